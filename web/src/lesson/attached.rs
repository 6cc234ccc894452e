//! In the lesson's place where the page shows a cluster that somebody else runs: what is seen, and what cannot be.

use yew::prelude::*;

use super::pane::LessonList;

#[component]
pub fn Attached() -> Html {
    html! {
        <aside class="lesson" aria-label="Lesson">
            <div class="body">
                <p class="over">{ "Attached, once a second" }</p>
                <h1>{ "Somebody else's cluster" }</h1>
                <p class="text">{ "Everything here was asked for with requests that any Kafka client may send. Each broker tells of its own copies: log end, high watermark, newest records." }</p>
                <p class="text">{ "It only looks: processes are stopped, killed and started where they run. What any client may do can be done from here: produce a record, create a topic." }</p>
                <section>
                    <h2>{ "What cannot be seen from outside" }</h2>
                    <ul class="text" style="list-style:disc;padding-left:18px">
                        <li>{ "Messages between its processes, and their bytes." }</li>
                        <li>{ "Causes: of what changed between two looks, only that it changed." }</li>
                        <li>{ "Broker epochs, partition epochs, sessions, and generations of groups." }</li>
                        <li>{ "Members of groups of the new protocol (KIP-848), and consumers without a group." }</li>
                        <li>{ "Records that are not committed yet: consumers are not given them." }</li>
                    </ul>
                </section>
                <section>
                    <h2>{ "Lessons" }</h2>
                    <LessonList />
                </section>
            </div>
        </aside>
    }
}
