//! A message as a chip: filled asks, hollow answers; letters name the request, the shape its family, a number its records.

use yew::prelude::*;

use crate::model::{Family, api_mark};

#[derive(Properties, PartialEq, Clone)]
pub struct ChipProps {
    pub api_key: i16,
    pub response: bool,
    pub records: u32,
    /// On the path of what is being followed.
    #[prop_or_default]
    pub hot: bool,
    #[prop_or_default]
    pub x: f64,
    #[prop_or_default]
    pub y: f64,
    #[prop_or_default]
    pub onclick: Callback<MouseEvent>,
}

/// Drawn around its centre.
#[component]
pub fn Chip(props: &ChipProps) -> Html {
    let (letters, family) = api_mark(props.api_key);
    let width: f64 = if props.records > 0 { 34.0 } else { 22.0 };
    let half = width / 2.0;
    let shape = match family {
        Family::Data => {
            html! { <rect class="box" x={(-half).to_string()} y="-9" width={width.to_string()} height="18" rx="3" /> }
        }
        Family::Group => {
            html! { <rect class="box" x={(-half).to_string()} y="-9" width={width.to_string()} height="18" rx="9" /> }
        }
        Family::Quorum => {
            let (l, r) = (-half - 2.0, half + 2.0);
            html! { <path class="box" d={format!("M{l} 0L{} -9H{}L{r} 0L{} 9H{}z", l + 5.0, r - 5.0, r - 5.0, l + 5.0)} /> }
        }
    };
    let class = classes!("chip", (!props.response).then_some("asks"), props.hot.then_some("hot"));
    let letters_x = if props.records > 0 { -6.0 } else { 0.0 };
    html! {
        <g {class} transform={format!("translate({:.1} {:.1})", props.x, props.y)} onclick={props.onclick.clone()}>
            { shape }
            <text class="lab" x={letters_x.to_string()} y="4">{ letters }</text>
            if props.records > 0 { <text class="lab" x="9" y="4">{ props.records }</text> }
        </g>
    }
}
