//! One-time tickets for event streams.

use std::collections::BTreeMap;

use tollgate_models as models;

use super::{Api, Caller, answer};
use crate::auth;
use crate::generated::api::{CreateWsTicketRequest, CreateWsTicketResponse, EventsApi};
use crate::problem::Refused;

impl EventsApi for Api {
    async fn create_ws_ticket(
        &self,
        caller: Caller,
        _request: CreateWsTicketRequest,
    ) -> CreateWsTicketResponse {
        answer!(
            CreateWsTicketResponse::Created,
            self.new_ticket(caller).await
        )
    }
}

impl Api {
    async fn new_ticket(&self, caller: Caller) -> Result<models::WsTicket, Refused> {
        let ticket = auth::new_ticket();
        let expires_at = self.clock.now().plus(self.ticket_lifetime);
        self.store
            .put_ticket(&auth::digest(&ticket), &caller.token.id, expires_at)
            .await?;
        Ok(models::WsTicket {
            ticket,
            expires_at: expires_at.to_string().into(),
            extra: BTreeMap::new(),
        })
    }
}
