//! The conversation: chooses the next request and judges its answer. The caller drives it. It sends
//! nothing itself and does not read a clock.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use tollgate_contracts_model::Contract;
use tollgate_report::Place;
use tollgate_stats::Rng;

use crate::checks::{self, Fault};
use crate::fill::{self, Optional};
use crate::follow;
use crate::judge::judge;
use crate::operation::{Operation, operations};
use crate::pages;
use crate::plan::{Plan, first_queue};
use crate::recipe::{self, Recipe};
use crate::report::{Failure, Report};
use crate::request::{Answer, Request, Values, request_of};
use crate::resources::Resources;
use crate::shrink::{Shrink, begin_shrink};
use crate::step::{Follow, Intent, Step};

/// How often one link of one operation is followed.
const LINKS_MAX: usize = 3;
/// One request in so many may be spent on making failures smaller.
const SHRINK_SHARE: usize = 4;
/// After how many dead ends in a row the search for a further request stops.
const TRIES_MAX: usize = 500;

/// A failure while it is being made smaller.
struct Known {
    fault: Fault,
    step: Step,
    status: Option<u16>,
    number: usize,
}

/// The bounds of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConformSettings {
    /// The same seed gives the same requests.
    pub seed: u64,
    /// The maximum number of requests, including those that make failures smaller.
    pub n_requests_max: usize,
}

/// The state of one run.
pub struct Session {
    settings: ConformSettings,
    operations: Vec<Operation>,
    resources: Resources,
    queue: VecDeque<Plan>,
    rng: Rng,
    sent: Option<Step>,
    shrink: Option<Shrink>,
    n_requests: usize,
    n_shrinks: usize,
    n_refills: u64,
    known: BTreeMap<(usize, &'static str, String), Known>,
    reached: BTreeSet<usize>,
    asked: BTreeSet<usize>,
    links: BTreeMap<(usize, String), usize>,
    statuses: BTreeMap<u16, usize>,
    n_lost: usize,
}

impl Session {
    /// A run over all operations of an `OpenAPI` contract.
    #[must_use]
    pub fn new(contract: &Contract, settings: ConformSettings) -> Self {
        let operations = operations(contract, settings.seed);
        let queue = first_queue(&operations);
        Self {
            rng: Rng::of(settings.seed, "conform"),
            settings,
            operations,
            resources: Resources::default(),
            queue,
            sent: None,
            shrink: None,
            n_requests: 0,
            n_shrinks: 0,
            n_refills: 0,
            known: BTreeMap::new(),
            reached: BTreeSet::new(),
            asked: BTreeSet::new(),
            links: BTreeMap::new(),
            statuses: BTreeMap::new(),
            n_lost: 0,
        }
    }

    /// The next request; none when the bound is reached or no request is left.
    pub fn next_request(&mut self) -> Option<Request> {
        if self.n_requests >= self.settings.n_requests_max {
            return None;
        }
        for _ in 0..TRIES_MAX {
            let step = match self.shrink_step() {
                Some(step) => step,
                None => match self.planned()? {
                    Some(step) => step,
                    None => continue,
                },
            };
            if let Some(request) = self.write(&step) {
                self.n_requests += 1;
                self.asked.insert(step.operation);
                self.sent = Some(step);
                return Some(request);
            }
            if let Some(shrink) = &mut self.shrink {
                shrink.refuse();
            }
        }
        None
    }

    fn write(&self, step: &Step) -> Option<Request> {
        let operation = self.operations.get(step.operation)?;
        let mut request = request_of(operation, &step.values)?;
        if let Some(method) = step.method {
            method.clone_into(&mut request.method);
        }
        if let Intent::Refused(how) = step.intent {
            request.without.clone_from(&operation.credentials);
            if how.contains("wrong") {
                for name in &operation.credentials {
                    let value = match name.as_str() {
                        "authorization" => "Bearer tollgate-wrong",
                        "cookie" => "session=tollgate-wrong",
                        _ => "tollgate-wrong",
                    };
                    request.headers.push((name.clone(), value.to_owned()));
                }
            }
        }
        Some(request)
    }

    /// The next step of the failure that is being made smaller.
    fn shrink_step(&mut self) -> Option<Step> {
        let shrink = self.shrink.as_mut()?;
        let allowed = self.settings.n_requests_max / SHRINK_SHARE;
        if self.n_shrinks < allowed
            && let Some(step) = shrink.candidate(&self.operations)
        {
            self.n_shrinks += 1;
            return Some(step);
        }
        self.shrink = None;
        None
    }

    /// The next planned step; the inner value is none when a plan does not apply.
    #[expect(
        clippy::option_option,
        reason = "an end and a plan without a request differ"
    )]
    fn planned(&mut self) -> Option<Option<Step>> {
        let plan = match self.queue.pop_front() {
            Some(plan) => plan,
            None => self.drawn_plan()?,
        };
        Some(match plan {
            Plan::Step(step) => Some(*step),
            Plan::Recipe(idx, recipe) => recipe::step_of(
                &self.operations,
                idx,
                &recipe,
                &self.resources,
                &mut self.rng,
            ),
            Plan::Life(idx) => self.life_step(idx),
            Plan::Pages(idx) => self.pages_step(idx),
        })
    }

    /// A random choice: a recipe of an operation, or occasionally a whole life.
    fn drawn_plan(&mut self) -> Option<Plan> {
        let candidates: Vec<usize> = (0..self.operations.len())
            .filter(|idx| !self.operations[*idx].is_upgrade)
            .collect();
        if candidates.is_empty() {
            return None;
        }
        let idx = candidates[self.rng.below(candidates.len())];
        if self.rng.chance(4) && follow::life_of(&self.operations, idx).is_some() {
            return Some(Plan::Life(idx));
        }
        if self.rng.chance(10) {
            self.n_refills += 1;
            let seed =
                Rng::of(self.settings.seed, &format!("refill {}", self.n_refills)).next_u64();
            if let Some(body) = &mut self.operations[idx].body {
                body.refill(seed);
            }
        }
        let operation = &self.operations[idx];
        let all = recipe::recipes(&self.operations, operation);
        if all.is_empty() {
            return None;
        }
        let n = self.rng.below(all.len() + 4);
        let recipe = match all.get(n) {
            Some(recipe) => recipe.clone(),
            None => Recipe::Valid(2 + self.rng.below(60)),
        };
        Some(Plan::Recipe(idx, recipe))
    }

    /// The request that creates the resource of a life, with an unused body if there is one.
    fn life_step(&mut self, idx: usize) -> Option<Step> {
        let life = follow::life_of(&self.operations, idx)?;
        let n = 2 + self.rng.below(40);
        let recipe = Recipe::Valid(n);
        let mut step = recipe::step_of(
            &self.operations,
            idx,
            &recipe,
            &self.resources,
            &mut self.rng,
        )?;
        step.follow = Follow::Life(Box::new(life));
        Some(step)
    }

    fn pages_step(&mut self, idx: usize) -> Option<Step> {
        let operation = &self.operations[idx];
        let (pages, ask) = pages::begin(operation)?;
        let filled = fill::fill(operation, &self.resources, Optional::None, 0, &mut self.rng)?;
        let mut values = Values {
            parameters: filled.values,
            body: None,
        };
        for (idx, value) in ask {
            values.set(idx, value);
        }
        Some(Step {
            operation: idx,
            values,
            intent: Intent::Valid {
                is_known: filled.is_known,
            },
            method: None,
            follow: Follow::Pages(Box::new(pages)),
        })
    }

    /// Takes the answer to the last request.
    pub fn receive(&mut self, answer: &Answer) {
        let Some(step) = self.sent.take() else {
            return;
        };
        *self.statuses.entry(answer.status).or_default() += 1;
        let operation = &self.operations[step.operation];
        let mut faults = judge(operation, &step, answer);
        if answer.is_success() && step.method.is_none() {
            self.reached.insert(step.operation);
        }
        if let Some(shrink) = self.shrink.as_mut() {
            let is_failing = faults.iter().any(|fault| shrink.is_same(fault));
            shrink.take(is_failing);
            if is_failing {
                let number = shrink.number();
                for fault in faults {
                    let key = (step.operation, fault.check, fault.cause.clone());
                    // What the same request showed first is shown by the smaller one too.
                    if let Some(known) = self.known.get_mut(&key).filter(|it| it.number == number) {
                        known.fault = fault;
                        known.step = step.clone();
                        known.status = Some(answer.status);
                    }
                }
            }
            self.learn(&step, answer);
            return;
        }
        let made = self.learn(&step, answer);
        let outcome = follow::go_on(&self.operations, &step, answer, made.as_ref());
        faults.extend(outcome.fault);
        if let Some(next) = outcome.next {
            self.queue.push_front(Plan::Step(Box::new(next)));
        }
        self.follow_links(&step, answer);
        for fault in faults {
            self.note(fault, &step, Some(answer.status));
        }
    }

    /// Records that no answer came.
    pub fn lose(&mut self, reason: &str) {
        let Some(step) = self.sent.take() else {
            return;
        };
        self.n_lost += 1;
        if let Some(shrink) = self.shrink.as_mut() {
            shrink.refuse();
            return;
        }
        let fault = Fault {
            check: "no-answer",
            cause: String::new(),
            message: format!("no answer came: {reason}"),
            place: None,
        };
        self.note(fault, &step, None);
    }

    fn note(&mut self, fault: Fault, step: &Step, status: Option<u16>) {
        let key = (step.operation, fault.check, fault.cause.clone());
        if self.known.contains_key(&key) {
            return;
        }
        if matches!(step.follow, Follow::None) && self.shrink.is_none() {
            self.shrink = begin_shrink(&self.operations, step, &fault, self.n_requests);
        }
        let known = Known {
            fault,
            step: step.clone(),
            status,
            number: self.n_requests,
        };
        self.known.insert(key, known);
    }

    /// Remembers what exists now, and forgets what was deleted.
    fn learn(&mut self, step: &Step, answer: &Answer) -> Option<crate::resources::Resource> {
        if !answer.is_success() {
            return None;
        }
        let operation = &self.operations[step.operation];
        let sent = fill::path_values(operation, &step.values);
        let method = step.method.unwrap_or(&operation.method);
        if method == "DELETE" {
            self.resources.remove(&operation.path, &sent);
            return None;
        }
        if step.method.is_some() {
            return None;
        }
        self.resources
            .learn(&self.operations, operation, &sent, answer)
    }

    fn follow_links(&mut self, step: &Step, answer: &Answer) {
        let operation = &self.operations[step.operation];
        let is_valid = matches!(step.intent, Intent::Valid { .. });
        let Some(response) = checks::response_for(operation, answer.status).filter(|_| is_valid)
        else {
            return;
        };
        let mut steps = Vec::new();
        for link in &response.links {
            let count = self
                .links
                .entry((step.operation, link.name.clone()))
                .or_default();
            let target = self
                .operations
                .iter()
                .position(|other| other.id == link.operation_id);
            let (Some(target), true) = (target, *count < LINKS_MAX) else {
                continue;
            };
            let sent = (operation, &step.values);
            let Some(set) = follow::link_values(&self.operations, target, link, sent, answer)
            else {
                continue;
            };
            *count += 1;
            let recipe = Recipe::Valid(1);
            if self.operations[target].method == "DELETE" {
                continue;
            }
            if let Some(mut next) = recipe::step_of(
                &self.operations,
                target,
                &recipe,
                &self.resources,
                &mut self.rng,
            ) {
                for (idx, value) in set.parameters {
                    next.values.set(idx, value);
                }
                next.follow = Follow::Link(link.name.clone());
                steps.push(next);
            }
        }
        for step in steps {
            self.queue.push_front(Plan::Step(Box::new(step)));
        }
    }

    /// The result, in the order of the document.
    #[must_use]
    pub fn report(&self) -> Report {
        let failures = self.known.iter().map(|((idx, check, _), known)| {
            let operation = &self.operations[*idx];
            let request = self.write(&known.step);
            let place: Place = known
                .fault
                .place
                .clone()
                .unwrap_or_else(|| operation.place.clone());
            Failure {
                check: (*check).to_owned(),
                operation: operation.id.clone(),
                method: known.step.method.unwrap_or(&operation.method).to_owned(),
                path: operation.path.clone(),
                message: known.fault.message.clone(),
                status: known.status,
                place,
                request,
                number: known.number,
            }
        });
        Report {
            seed: self.settings.seed,
            n_requests: self.n_requests,
            n_shrinks: self.n_shrinks,
            n_lost: self.n_lost,
            n_operations: self.operations.iter().filter(|it| !it.is_upgrade).count(),
            n_asked: self.asked.len(),
            not_reached: (0..self.operations.len())
                .filter(|idx| !self.operations[*idx].is_upgrade && !self.reached.contains(idx))
                .map(|idx| self.operations[idx].id.clone())
                .collect(),
            statuses: self.statuses.clone(),
            failures: failures.collect(),
            messages: None,
        }
    }
}
