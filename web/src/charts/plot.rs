//! A chart as SVG, drawn by plotters with the colours of the page's own styles.

use plotters::prelude::*;
use yew::AttrValue;

use super::series::{Chart, Line};

/// How large, and with how much around it.
#[derive(Clone, Copy)]
pub struct Look {
    width: u32,
    height: u32,
    axes: bool,
}

impl Look {
    pub const FULL: Self = Self { width: 320, height: 112, axes: true };
    pub const SPARK: Self = Self { width: 306, height: 44, axes: false };
}

/// The drawing as an `<svg>` element. A chart that cannot be drawn is left empty: its words are there all the same.
pub fn draw(chart: &Chart, look: Look) -> AttrValue {
    let mut svg = String::new();
    if paint(chart, look, &mut svg).is_err() {
        svg.clear();
    }
    svg.into()
}

fn paint(chart: &Chart, look: Look, svg: &mut String) -> Result<(), Box<dyn std::error::Error>> {
    let (from, to) = chart.seconds;
    let area = SVGBackend::with_string(svg, (look.width, look.height)).into_drawing_area();
    let (below, beside) = if look.axes { (18, 28) } else { (0, 0) };
    let mut plot = ChartBuilder::on(&area)
        .margin(2)
        .margin_right(6)
        .margin_top(4)
        .x_label_area_size(below)
        .y_label_area_size(beside)
        .build_cartesian_2d(from..to, 0.0..chart.top())?;
    if look.axes {
        plot.configure_mesh()
            .disable_x_mesh()
            .bold_line_style(colour("--rule"))
            .light_line_style(TRANSPARENT)
            .axis_style(colour("--rule-2"))
            .label_style(("sans-serif", 14).into_font().color(&colour("--ink-3")))
            .x_labels(5)
            .y_labels(3)
            .x_label_formatter(&|second| format!("{second:.1}"))
            .y_label_formatter(&|value| format!("{value:.0}"))
            .draw()?;
    }
    for line in &chart.lines {
        let ink = colour(line.ink.token());
        let stairs = stairs(line, to);
        if line.filled {
            plot.draw_series(AreaSeries::new(stairs.iter().copied(), 0.0, ink.mix(0.18)))?;
        }
        plot.draw_series(LineSeries::new(stairs, ink.stroke_width(2)))?;
    }
    area.present()?;
    drop(plot);
    Ok(())
}

/// A value holds until the next one: corners, not slopes.
fn stairs(line: &Line, to: f64) -> Vec<(f64, f64)> {
    let mut corners: Vec<(f64, f64)> = Vec::with_capacity(line.points.len() * 2 + 1);
    for &(at, value) in &line.points {
        if let Some(&(_, before)) = corners.last() {
            corners.push((at, before));
        }
        corners.push((at, value));
    }
    if let Some(&(_, last)) = corners.last() {
        corners.push((to, last));
    }
    corners
}

/// A token of the styles, as `#RRGGBB`. Outside of a browser everything is grey.
fn colour(token: &str) -> RGBColor {
    let value = || {
        let window = web_sys::window()?;
        let root = window.document()?.document_element()?;
        window.get_computed_style(&root).ok()??.get_property_value(token).ok()
    };
    let number = value().and_then(|text| u32::from_str_radix(text.trim().trim_start_matches('#'), 16).ok());
    let [_, red, green, blue] = number.unwrap_or(0x80_80_80).to_be_bytes();
    RGBColor(red, green, blue)
}
