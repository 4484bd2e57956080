//! Draws lines on two logarithmic axes into an SVG file.

use std::{ops::Range, path::Path};

use plotters::prelude::*;

use crate::transfer::Failed;

/// One client's line.
pub(super) struct Series {
    pub(super) name: &'static str,
    pub(super) points: Vec<(f64, f64)>,
}

pub(super) struct Axes {
    pub(super) title: &'static str,
    pub(super) x: &'static str,
    pub(super) y: &'static str,
    /// How a place on the horizontal axis is written.
    pub(super) write_x: fn(f64) -> String,
}

const SIZE: (u32, u32) = (800, 500);
const COLOURS: [RGBColor; 3] =
    [RGBColor(0, 90, 181), RGBColor(120, 120, 120), RGBColor(220, 50, 32)];
const FONT: &str = "sans-serif";

pub(super) fn draw(file: &Path, axes: &Axes, all: &[Series]) -> Result<(), Failed> {
    let area = SVGBackend::new(file, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let points = || all.iter().flat_map(|series| &series.points);
    let xs = span(points().map(|point| point.0));
    let ys = span(points().map(|point| point.1));
    let measured =
        all.first().map_or_else(Vec::new, |series| series.points.iter().map(|p| p.0).collect());
    let mut chart = ChartBuilder::on(&area)
        .caption(axes.title, (FONT, 26))
        .margin(20)
        .x_label_area_size(52)
        .y_label_area_size(84)
        .build_cartesian_2d(xs.log_scale().with_key_points(measured), ys.log_scale())?;
    chart
        .configure_mesh()
        .x_desc(axes.x)
        .y_desc(axes.y)
        .x_label_formatter(&|x| (axes.write_x)(*x))
        .y_label_formatter(&|y| format!("{y:.0}"))
        .label_style((FONT, 18))
        .light_line_style(WHITE)
        .draw()?;
    for (series, colour) in all.iter().zip(COLOURS) {
        let line = LineSeries::new(series.points.iter().copied(), colour.stroke_width(2));
        chart
            .draw_series(line)?
            .label(series.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], colour.stroke_width(2)));
        let dots = series.points.iter().map(|&point| Circle::new(point, 3, colour.filled()));
        chart.draw_series(dots)?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE)
        .border_style(BLACK)
        .label_font((FONT, 18))
        .draw()?;
    Ok(area.present()?)
}

/// From the least to the most, with some room.
fn span(values: impl Iterator<Item = f64>) -> Range<f64> {
    let (least, most) = values
        .fold((f64::MAX, f64::MIN), |(least, most), value| (least.min(value), most.max(value)));
    least / 1.2..most * 1.2
}
