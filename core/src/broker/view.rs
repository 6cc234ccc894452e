//! What a broker believes, for people to see.

use super::Broker;
use crate::{disk::Disk, seam::Now, view::BrokerView};

impl Broker {
    /// What this broker believes. It may be wrong: a deposed leader does not know it yet.
    pub fn view(&self, disk: &dyn Disk, now: Now) -> BrokerView {
        BrokerView {
            replicas: self.replicas.partitions().map(|p| p.view(disk, now.mono)).collect(),
            clients: self.client_views(),
            parked: self.parked(),
            ..self.brief_view(now)
        }
    }

    /// The same without what only people look at and what has to be read from the disk: records, clients, who waits.
    pub fn brief_view(&self, now: Now) -> BrokerView {
        BrokerView {
            groups: self.groups.views(self.config.node_id),
            replicas: self.replicas.partitions().map(|p| p.brief_view(now.mono)).collect(),
            ..self.bare_view()
        }
    }

    /// What says that it is alive and how it is, and takes as long whatever it holds.
    pub fn bare_view(&self) -> BrokerView {
        BrokerView {
            broker_epoch: self.lifecycle.broker_epoch,
            fenced: self.lifecycle.fenced,
            metadata_offset: self.image.offset(),
            controller: self.raft.leader().map(|(id, _)| id),
            ..BrokerView::default()
        }
    }

    fn parked(&self) -> Vec<String> {
        let who = |client: &Option<String>| client.clone().unwrap_or_else(|| "a client".into());
        let produces = self.replicas.purgatory().produces().map(|p| {
            let until: Vec<String> = p.waiting.iter().map(|w| format!("{} HW {}", w.name, w.required_offset)).collect();
            format!("Produce from {}, until {}", who(&p.reply.client_id), until.join(", "))
        });
        let fetches = self.replicas.purgatory().fetches().map(|f| {
            let who = match f.plan.replica {
                Some(replica) => format!("replica {}", replica.id),
                None => who(&f.reply.client_id),
            };
            format!("Fetch from {who}, until there are {} bytes", f.plan.min_bytes)
        });
        let deletions = self.replicas.purgatory().deletions().map(|p| {
            let starts: Vec<String> = p.waiting.iter().map(|w| w.required_offset.to_string()).collect();
            format!("DeleteRecords from {}, until all begin at {}", who(&p.reply.client_id), starts.join(", "))
        });
        produces.chain(fetches).chain(deletions).collect()
    }
}
