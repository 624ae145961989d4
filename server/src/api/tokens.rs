//! API keys: list, create, revoke.

use std::collections::BTreeMap;

use tollgate_models as models;
use tollgate_report::Timestamp;

use super::check::one_error;
use super::{Api, Caller, Started, answer, newest_first};
use crate::auth;
use crate::generated::api::{
    CreateTokenRequest, CreateTokenResponse, ListTokensRequest, ListTokensResponse,
    RevokeTokenRequest, RevokeTokenResponse, TokensApi,
};
use crate::live::TOKEN_REVOKED;
use crate::problem::Refused;
use crate::store::{NewToken, TokenRow};

impl TokensApi for Api {
    async fn list_tokens(&self, _caller: Caller, request: ListTokensRequest) -> ListTokensResponse {
        answer!(ListTokensResponse::Ok, self.tokens(request).await)
    }

    async fn create_token(
        &self,
        caller: Caller,
        request: CreateTokenRequest,
    ) -> CreateTokenResponse {
        answer!(
            CreateTokenResponse::Created,
            self.new_token(caller, request).await
        )
    }

    async fn revoke_token(
        &self,
        caller: Caller,
        request: RevokeTokenRequest,
    ) -> RevokeTokenResponse {
        match self.revoke(caller, request).await {
            Ok(()) => RevokeTokenResponse::NoContent,
            Err(refused) => {
                let (status, problem) = refused.into_problem();
                RevokeTokenResponse::Problem(status, problem)
            }
        }
    }
}

impl Api {
    async fn tokens(&self, request: ListTokensRequest) -> Result<models::TokenPage, Refused> {
        let page = newest_first(request.cursor, request.limit)?;
        let page = self.store.tokens(&page).await?;
        Ok(models::TokenPage {
            items: page.items.into_iter().map(token).collect(),
            next_cursor: page.next_cursor,
            extra: BTreeMap::new(),
        })
    }

    async fn new_token(
        &self,
        caller: Caller,
        request: CreateTokenRequest,
    ) -> Result<models::CreatedToken, Refused> {
        let body = request.body;
        let expires_at = match &body.expires_at {
            Some(text) => Some(self.check_expiry(text)?),
            None => None,
        };
        let name = caller.idempotency(request.idempotency_key.as_ref(), "createToken", "", &body);
        let mut write = match self.begin(name).await? {
            Started::New(write) => write,
            Started::Done(created) => return Ok(created),
        };
        let key = auth::new_key();
        let client_type = body.client_type.unwrap_or(models::ClientType::Cli);
        let row = write
            .put_token(NewToken {
                name: &body.name,
                role: body.role.as_str(),
                client_type: client_type.as_str(),
                prefix: auth::shown_prefix(&key),
                digest: &auth::digest(&key),
                expires_at,
            })
            .await?;
        write.commit_secret().await?;
        Ok(models::CreatedToken {
            token: token(row),
            key,
            extra: BTreeMap::new(),
        })
    }

    fn check_expiry(&self, text: &str) -> Result<Timestamp, Refused> {
        let path = "/expiresAt";
        let end: Timestamp = text
            .parse()
            .map_err(|_| one_error(path, &format!("`{text}` is not an RFC 3339 time")))?;
        if end <= self.clock.now() {
            // Well-formed by the contract, so no `400`: it conflicts with what time it is.
            return Err(Refused::conflict(
                "already-ended",
                "`expiresAt` is in the past, so the key would have ended before it began",
            ));
        }
        Ok(end)
    }

    async fn revoke(&self, caller: Caller, request: RevokeTokenRequest) -> Result<(), Refused> {
        let id = request.token_id;
        let key = request.idempotency_key.as_ref();
        let name = caller.idempotency(key, "revokeToken", &id, &());
        let mut write = match self.begin::<()>(name).await? {
            Started::New(write) => write,
            Started::Done(()) => return Ok(()),
        };
        if !write.revoke_token(&id).await? {
            return Err(Refused::not_found("token", &id));
        }
        let topic = format!("token.{id}");
        write.event(&topic, TOKEN_REVOKED, &()).await?;
        Ok(write.commit(&()).await?)
    }
}

fn token(row: TokenRow) -> models::Token {
    models::Token {
        id: row.id,
        name: row.name,
        role: row.role.as_str().into(),
        client_type: row.client_type.as_str().into(),
        prefix: row.prefix,
        created_at: row.created_at.to_string().into(),
        expires_at: row.expires_at.map(|at| at.to_string().into()),
        revoked_at: row.revoked_at.map(|at| at.to_string().into()),
        extra: BTreeMap::new(),
    }
}
