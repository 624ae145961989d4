//! Slack's form and limits, pure: blocks out of sections, shortened so that Slack accepts them.
//!
//! Limits: 50 blocks, 3,000 characters a section, 150 a header, about 13,000 in all (the last is
//! not documented; it was measured at 13,200).

use serde_json::{Value, json};
use tollgate_report::program::spell;

use crate::event::clip;

/// Most blocks of a message.
pub const N_BLOCKS: usize = 50;
/// Most characters of a section.
pub const SECTION_LIMIT: usize = 3_000;
/// Most characters of a header.
pub const HEADER_LIMIT: usize = 150;
/// Most characters in all, below the 13,200 that Slack was observed to reject.
pub const TOTAL_LIMIT: usize = 13_000;
/// The line that separates sections in the template.
pub const SECTION_BREAK: &str = "%%";

/// The end of a message that was shortened.
const CUT: &str = "_shortened; all alerts are listed by_ `{tollgate} alert list`";

/// Escapes text for mrkdwn: `&`, `<` and `>` as Slack requires, so that no `<!channel>`, mention or
/// link can be smuggled in; a run of three backticks cannot end a code block.
#[must_use]
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace("```", "`\u{200b}`\u{200b}`")
}

/// The message as JSON: a header, the sections and the message's id, all within the limits.
#[must_use]
pub fn message(headline: &str, sections: &str, id: &str, program: &str) -> Value {
    let cut = spell(CUT, program);
    let mut header = headline.to_owned();
    clip(&mut header, HEADER_LIMIT);
    let fallback = escape(&header);
    let footer = format!("message {id}");
    let mut left =
        TOTAL_LIMIT - n_chars(&header) - n_chars(&fallback) - n_chars(&footer) - n_chars(&cut);
    let mut blocks = vec![json!({
        "type": "header",
        "text": { "type": "plain_text", "text": header, "emoji": false },
    })];
    let mut is_cut = false;
    // A headline that does not fit the header is shown whole as the first section.
    let long = (n_chars(headline) > HEADER_LIMIT).then(|| escape(headline));
    let parts = long.into_iter().chain(split(sections));
    for part in parts {
        // Room for the notice and the footer stays.
        if blocks.len() + 2 >= N_BLOCKS || left < 100 {
            is_cut = true;
            break;
        }
        let text = shorten(&part, SECTION_LIMIT.min(left));
        is_cut |= text.len() < part.len();
        left -= n_chars(&text).min(left);
        blocks.push(section(&text));
    }
    if is_cut {
        blocks.push(section(&cut));
    }
    blocks.push(json!({
        "type": "context",
        "elements": [{ "type": "plain_text", "text": footer, "emoji": false }],
    }));
    json!({ "text": fallback, "blocks": blocks, "unfurl_links": false, "unfurl_media": false })
}

fn split(sections: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    for line in sections.lines() {
        if line.trim() == SECTION_BREAK {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push_str(line);
            part.push('\n');
        }
    }
    parts
        .iter()
        .map(|part| part.trim().to_owned())
        .filter(|part| !part.is_empty())
        .collect()
}

// `verbatim`: Slack makes no links, channels or mentions out of bare words such as `@here`.
fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": text, "verbatim": true } })
}

fn n_chars(text: &str) -> usize {
    text.chars().count()
}

/// The first lines that fit; a code block that was open is closed. A single line too long is cut
/// before an escape or a link that would be cut in two.
fn shorten(text: &str, limit: usize) -> String {
    if n_chars(text) <= limit {
        return text.to_owned();
    }
    let room = limit.saturating_sub(8);
    let mut kept = String::new();
    let mut n_kept = 0;
    for line in text.lines() {
        let n_line = n_chars(line) + 1;
        if n_kept + n_line > room {
            break;
        }
        n_kept += n_line;
        kept.push_str(line);
        kept.push('\n');
    }
    if kept.is_empty() {
        kept = text.chars().take(room).collect();
        for open in ['&', '<'] {
            let close = if open == '&' { ';' } else { '>' };
            if let Some(at) = kept.rfind(open).filter(|at| !kept[*at..].contains(close)) {
                kept.truncate(at);
            }
        }
    }
    if kept.matches("```").count() % 2 == 1 {
        kept.push_str("```\n");
    }
    kept.push('…');
    kept
}

/// Which of Slack's limits a message breaks, in words; `None` when it breaks none.
#[must_use]
pub fn violation(message: &Value) -> Option<String> {
    let Some(blocks) = message["blocks"].as_array() else {
        return Some("no blocks".to_owned());
    };
    if blocks.is_empty() || blocks.len() > N_BLOCKS {
        return Some(format!("{} blocks", blocks.len()));
    }
    let mut n_total = n_chars(message["text"].as_str().unwrap_or_default());
    for (idx, block) in blocks.iter().enumerate() {
        let text = block["text"]["text"]
            .as_str()
            .or(block["elements"][0]["text"].as_str());
        let n = n_chars(text.unwrap_or_default());
        let limit = if block["type"] == "header" {
            HEADER_LIMIT
        } else {
            SECTION_LIMIT
        };
        if n == 0 || n > limit {
            return Some(format!("block {idx} has {n} characters"));
        }
        n_total += n;
    }
    (n_total > TOTAL_LIMIT).then(|| format!("{n_total} characters in all"))
}
