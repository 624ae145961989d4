//! How the cost of ours grows with the document: documents of ×1 to ×16, measured and drawn.

use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;
use tollgate_report::write_atomic;

use super::candidate::{self, candidate};
use tollgate::Failure;

/// A size of the growing document and what it cost.
#[derive(Debug, Serialize)]
pub(super) struct Step {
    pub(super) factor: usize,
    pub(super) bytes: usize,
    pub(super) seconds: f64,
    pub(super) peak_mib: f64,
}

/// Our generator over a document that is 1, 2, 4, 8 and 16 times as large.
pub(super) fn measure(own: &Path, work: &Path, runs: u32) -> Result<Vec<Step>, Failure> {
    let mut steps = Vec::new();
    for factor in [1, 2, 4, 8, 16] {
        let text = document(factor);
        let file = work.join(format!("growth-{factor}.json"));
        write_atomic(&file, text.as_bytes()).map_err(Failure::environment)?;
        let out = work.join("growth");
        let words = [
            own,
            Path::new("codegen"),
            Path::new("--contract"),
            &file,
            Path::new("--out"),
            &out,
        ];
        let words: Vec<String> = words
            .iter()
            .map(|word| word.display().to_string())
            .collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let row = candidate::measure(candidate("growth", &words, Some(&out)), runs)?;
        if let Some(problem) = row.problem {
            return Err(Failure::environment(anyhow::anyhow!(
                "measure `{}`: {problem}",
                row.command
            )));
        }
        steps.push(Step {
            factor,
            bytes: text.len(),
            seconds: row.seconds.unwrap_or_default(),
            peak_mib: row.peak_mib.unwrap_or_default(),
        });
    }
    Ok(steps)
}

/// A document of `factor` · 300 objects that refer to each other, and an operation for each.
fn document(factor: usize) -> String {
    let n = factor * 300;
    let mut schemas = serde_json::Map::new();
    let mut paths = serde_json::Map::new();
    for idx in 0..n {
        let next = format!("#/components/schemas/Thing{}", (idx * 7 + 1) % n);
        schemas.insert(format!("Thing{idx}"), serde_json::json!({
            "type": "object", "required": ["id", "state"], "description": "One of many.",
            "properties": {
                "id": {"type": "string", "format": "uuid"}, "state": {"type": "string", "enum": ["new", "used", "gone"]},
                "at": {"type": "string", "format": "date-time"}, "note": {"type": ["string", "null"], "maxLength": 80},
                "next": {"$ref": next}, "sizes": {"type": "array", "items": {"type": "integer"}},
                "inner": {"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "boolean"}}},
            },
        }));
        let schema = serde_json::json!({"$ref": format!("#/components/schemas/Thing{idx}")});
        paths.insert(format!("/things{idx}/{{id}}"), serde_json::json!({"get": {
            "operationId": format!("getThing{idx}"),
            "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}],
            "responses": {"200": {"description": "It.", "content": {"application/json": {"schema": schema}}}},
        }}));
    }
    let all = serde_json::json!({
        "openapi": "3.1.0", "info": {"title": "Growth", "version": "1"},
        "paths": paths, "components": {"schemas": schemas},
    });
    all.to_string()
}

/// Seconds over size, with the straight line through the first point.
pub(super) fn chart(steps: &[Step]) -> String {
    let (width, height, left, bottom) = (640.0, 400.0, 70.0, 50.0);
    let factor_max = steps.last().map_or(1.0, |step| step.factor as f64);
    let slope = steps.first().map_or(0.0, |step| step.seconds);
    let highest = steps
        .iter()
        .map(|step| step.seconds)
        .fold(slope * factor_max, f64::max);
    let x = |factor: f64| left + factor / factor_max * (width - left - 20.0);
    let y = |seconds: f64| height - bottom - seconds / highest.max(1e-9) * (height - bottom - 30.0);
    let points: Vec<String> = steps
        .iter()
        .map(|step| format!("{:.1},{:.1}", x(step.factor as f64), y(step.seconds)))
        .collect();
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <title>Seconds of codegen over the size of the document</title>\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>\n\
         <path d=\"M{left} 20V{base}H{width}\" fill=\"none\" stroke=\"#444\"/>\n\
         <path d=\"M{left} {base}L{:.1} {:.1}\" stroke=\"#aaa\" stroke-dasharray=\"4 4\"/>\n\
         <polyline points=\"{}\" fill=\"none\" stroke=\"#1f6feb\" stroke-width=\"2\"/>\n",
        x(factor_max),
        y(slope * factor_max),
        points.join(" "),
        base = height - bottom
    );
    for step in steps {
        let (at, up) = (x(step.factor as f64), y(step.seconds));
        // Writing into a text can't fail.
        let _ = writeln!(
            svg,
            "<circle cx=\"{at:.1}\" cy=\"{up:.1}\" r=\"4\" fill=\"#1f6feb\"/>\
             <text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"end\">{:.2} s</text>\
             <text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">×{}</text>",
            up - 10.0,
            step.seconds,
            height - bottom + 20.0,
            step.factor
        );
    }
    svg.push_str("<text x=\"70\" y=\"16\">three languages, models; dashed: linear from the first point</text>\n</svg>\n");
    svg
}
