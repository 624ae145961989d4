//! Generates the requested parts from contracts.

use tollgate_contracts_model::Contract;
use tollgate_report::{Finding, Place};

use crate::ir::{Ir, Unchecked};
use crate::{Artifact, CodegenError, Language, Request, lower};

/// The generated files, and the findings for the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    /// The files, ordered by path.
    pub artifacts: Vec<Artifact>,
    /// How many fields, items or values have no type in the contract.
    pub n_untyped: usize,
    /// How many types were declared.
    pub n_types: usize,
    /// The findings about the contract, worst first.
    pub findings: Vec<Finding>,
}

/// Generates the requested parts from all contracts, with one set of types.
///
/// The same contracts and request give the same bytes.
///
/// # Errors
/// The language lacks a part, there is no contract, or an operation of a server has no
/// permission decision.
pub fn generate(contracts: &[Contract], request: &Request) -> Result<Generated, CodegenError> {
    if contracts.is_empty() {
        return Err(CodegenError::NoContract);
    }
    check_parts(request)?;
    generate_from(&lower(contracts), request)
}

/// Generates the requested parts from the output of [`lower()`]. One output serves all requests
/// about the same contracts.
///
/// # Errors
/// The language lacks a part, or an operation of a server has no permission decision.
pub fn generate_from(ir: &Ir, request: &Request) -> Result<Generated, CodegenError> {
    check_parts(request)?;
    let mut artifacts = request.language.emitter().emit(ir, request)?;
    artifacts.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(Generated {
        artifacts,
        n_untyped: ir.n_untyped,
        n_types: ir.decls.len(),
        findings: findings(ir),
    })
}

/// Rejects the parts that a language lacks.
fn check_parts(request: &Request) -> Result<(), CodegenError> {
    let mut parts = request.emit.iter();
    match parts.find(|part| !request.language.has(**part)) {
        None => Ok(()),
        Some(part) => Err(CodegenError::Unsupported {
            language: request.language.word(),
            part: part.word(),
            languages: Language::with(*part),
        }),
    }
}

fn findings(ir: &Ir) -> Vec<Finding> {
    let mut findings = Vec::new();
    if ir.n_untyped > 0 {
        findings.push(
            Finding::info(
                "codegen-untyped",
                format!("values without a type in the contract: {}", ir.n_untyped),
            )
            .because("they are generated as raw JSON, which compilers do not check"),
        );
    }
    findings.extend(ir.unchecked.iter().map(unchecked));
    findings
}

/// The finding about something that `validate` can't check.
fn unchecked((place, what): (&String, &Unchecked)) -> Finding {
    let (file, pointer) = place.split_once('#').unwrap_or((place, ""));
    let finding = match what {
        Unchecked::TooLarge => Finding::warning(
            "codegen-unchecked",
            format!("`validate` does not check which alternatives of `#{pointer}` hold"),
        )
        .because("they overlap and reach too many schemas to be compared with every value")
        .fix("add a discriminator, or a required property with a constant, to each alternative"),
        Unchecked::Pattern(pattern) => Finding::warning(
            "codegen-unchecked",
            format!("`validate` does not check the pattern `{pattern}` of `#{pointer}`"),
        )
        .because("it is not a regular expression of ECMA-262")
        .fix("correct the expression"),
    };
    finding.at(Place::at(file, 0, 0))
}
