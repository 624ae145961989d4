//! The trend of a metric as an SVG fragment for HTML reports.

use std::fmt::Write as _;

use quick_xml::escape::escape;

use crate::floors::Floors;
use crate::history::History;
use crate::metric::shown;

const WIDTH: f64 = 320.0;
const HEIGHT: f64 = 64.0;
const MARGIN: f64 = 4.0;
/// Newest values that are drawn.
const VALUES_MAX: usize = 200;

/// One `<figure>` for each floor with recorded values, sorted by metric: a line of the values and
/// a dashed line at the floor, in `currentColor`, with a text for screen readers. Well-formed XML.
#[must_use]
pub fn trend_html(floors: &Floors, history: &History) -> String {
    let mut html = String::new();
    for (metric, floor) in &floors.0 {
        let values = history.values(metric, &floor.unit);
        let values = &values[values.len().saturating_sub(VALUES_MAX)..];
        let Some(last) = values.last() else { continue };
        let caption = format!(
            "{metric}: {} {} now, floor {} {}",
            shown(*last),
            floor.unit,
            floor.direction.arrow(),
            shown(floor.floor)
        );
        let caption = escape(&caption);
        let svg = trend_svg(values, floor.floor, &caption);
        writeln!(
            html,
            "<figure class=\"trend\">{svg}<figcaption>{caption}</figcaption></figure>"
        )
        .expect("a String takes all text");
    }
    html
}

fn trend_svg(values: &[f64], floor: f64, title: &str) -> String {
    let least = values.iter().copied().fold(floor, f64::min);
    let most = values.iter().copied().fold(floor, f64::max);
    let range = if most > least { most - least } else { 1.0 };
    let y = |value: f64| HEIGHT - MARGIN - (value - least) / range * (HEIGHT - 2.0 * MARGIN);
    let step = (WIDTH - 2.0 * MARGIN) / (values.len().max(2) - 1) as f64;
    let points: Vec<String> = values
        .iter()
        .enumerate()
        .map(|(idx, value)| format!("{:.1},{:.1}", MARGIN + step * idx as f64, y(*value)))
        .collect();
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}\">\
         <line x1=\"{MARGIN}\" x2=\"{:.1}\" y1=\"{floor_y:.1}\" y2=\"{floor_y:.1}\" \
         stroke=\"currentColor\" stroke-dasharray=\"4 3\" opacity=\"0.5\"/>\
         <polyline fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.5\" points=\"{}\"/></svg>",
        WIDTH - MARGIN,
        points.join(" "),
        floor_y = y(floor),
    )
}
