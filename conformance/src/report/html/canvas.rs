//! A picture in SVG: rectangles, lines and texts, with classes that the page's style sheet colours. Every text is escaped.

use std::fmt::Write as _;

// Writing to a String cannot fail, so the results of `write!` are dropped throughout.

/// How wide a character is, in tenths of a pixel. The style sheet sets a monospaced font of twelve pixels.
const CHARACTER: usize = 73;

/// A picture that is being drawn. Lengths are pixels; the upper left corner is (0, 0).
pub(super) struct Canvas {
    width: usize,
    height: usize,
    body: String,
}

/// A rectangle.
#[derive(Debug, Clone, Copy)]
pub(super) struct Area {
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

impl Canvas {
    pub(super) fn new(width: usize, height: usize) -> Self {
        Self { width, height, body: String::new() }
    }

    pub(super) fn area(&mut self, class: &str, area: Area) {
        let Area { x, y, width, height } = area;
        let _ = write!(
            self.body,
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>"
        );
    }

    /// A line from one point to another.
    pub(super) fn line(&mut self, class: &str, from: (usize, usize), to: (usize, usize)) {
        let _ = write!(self.body, "<path class=\"{class}\" d=\"M{} {}L{} {}\"/>", from.0, from.1, to.0, to.1);
    }

    pub(super) fn dot(&mut self, class: &str, (x, y): (usize, usize)) {
        let _ = write!(self.body, "<circle class=\"{class}\" cx=\"{x}\" cy=\"{y}\" r=\"4\"/>");
    }

    /// A text that begins at a point of its base line, or has it in its middle or at its end, as the class says.
    pub(super) fn text(&mut self, class: &str, (x, y): (usize, usize), text: &str) {
        let _ = write!(self.body, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}</text>", escaped(text));
    }

    /// What is drawn here belongs together, and a pointer on it shows the words.
    pub(super) fn group(&mut self, words: &str, draw: impl FnOnce(&mut Self)) {
        let _ = write!(self.body, "<g><title>{}</title>", escaped(words));
        draw(self);
        self.body.push_str("</g>");
    }

    /// The whole picture, with a description for those who do not see it.
    pub(super) fn finish(self, description: &str) -> String {
        let Self { width, height, body } = self;
        format!(
            "<svg role=\"img\" aria-label=\"{}\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\">{body}</svg>",
            escaped(description)
        )
    }
}

/// How wide a text is.
pub(super) fn width(text: &str) -> usize {
    (text.chars().count() * CHARACTER).div_ceil(10)
}

/// A text of at most so many characters, with an ellipsis where it was cut.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// A text as it may stand in HTML, between tags and in attributes. What XML does not know is left out.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_text_holds_is_never_markup() {
        let mut canvas = Canvas::new(10, 10);
        canvas.group("<a title='x'>", |canvas| canvas.text("t", (1, 2), "<script>\"&\u{1b}"));
        let svg = canvas.finish("\"><script>");
        assert!(!svg.contains("<script") && !svg.contains("<a ") && !svg.contains('\u{1b}'), "{svg}");
        assert!(svg.contains("&lt;script&gt;&quot;&amp;\u{fffd}"), "{svg}");
    }

    #[test]
    fn long_texts_are_cut_with_a_mark() {
        assert_eq!(cut("as it is", 8), "as it is");
        assert_eq!(cut("äöüß and more", 5), "äöüß…");
    }
}
