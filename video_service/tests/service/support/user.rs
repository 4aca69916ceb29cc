//! Somebody with a token.

use serde_json::{Value, json};

use super::{Answer, Kadr, eventually};

pub(crate) struct User<'a> {
    kadr: &'a Kadr,
    pub(crate) token: String,
}

impl<'a> User<'a> {
    pub(super) async fn register(kadr: &'a Kadr, name: &str) -> Self {
        let account = json!({
            "username": name, "email": format!("{name}@example.com"), "password": "correct horse battery",
        });
        let request = kadr.users("POST", "/users/register").content_type("application/json");
        Answer::to(request, account.to_string()).await.ok(201);
        let login = json!({ "username": name, "password": "correct horse battery" });
        let request = kadr.users("POST", "/users/login").content_type("application/json");
        let tokens = Answer::to(request, login.to_string()).await.ok(200);
        Self { kadr, token: tokens["access_token"].as_str().unwrap().to_owned() }
    }

    pub(super) fn with_token(kadr: &'a Kadr, token: &str) -> Self {
        Self { kadr, token: token.to_owned() }
    }

    /// A request in this user's name.
    pub(crate) fn request(&self, method: &str, path: &str) -> awc::ClientRequest {
        self.kadr.anonymous(method, path).bearer_auth(&self.token)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::to(self.request("GET", path), "").await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        Answer::to(self.request("DELETE", path), "").await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        Answer::to(self.request("POST", path).content_type("application/json"), body.to_string()).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        Answer::to(self.request("PATCH", path).content_type("application/json"), body.to_string()).await
    }

    pub(crate) async fn put(&self, path: &str, content: Vec<u8>) -> Answer {
        Answer::to(self.request("PUT", path).content_type("video/mp4"), content).await
    }

    /// A form of parts: name, file name, media type, content.
    pub(crate) async fn send_form(&self, parts: &[(&str, Option<&str>, &str, Vec<u8>)]) -> Answer {
        let mut body = Vec::new();
        for (name, filename, media_type, content) in parts {
            let filename = filename.map(|name| format!("; filename=\"{name}\"")).unwrap_or_default();
            let head = format!(
                "--limit\r\nContent-Disposition: form-data; name=\"{name}\"{filename}\r\nContent-Type: {media_type}\r\n\r\n"
            );
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--limit--\r\n");
        Answer::to(self.request("POST", "/videos").content_type("multipart/form-data; boundary=limit"), body)
            .await
    }

    /// The id of the account.
    pub(crate) async fn account(&self) -> String {
        let request = self.kadr.users("GET", "/users/profile").bearer_auth(&self.token);
        Answer::to(request, "").await.ok(200)["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn logout(&self) {
        let request = self.kadr.users("POST", "/users/logout").bearer_auth(&self.token);
        Answer::to(request, "").await.ok(204);
    }

    /// The path of a new record that waits for its bytes.
    pub(crate) async fn video(&self, title: &str) -> String {
        let answer = self.post("/videos", json!({ "title": title })).await;
        answer.ok(201);
        answer.header("location").to_owned()
    }

    /// The path of a new video with `content`, whose analysis begins by itself.
    pub(crate) async fn upload(&self, content: Vec<u8>) -> String {
        let path = self.video("A film").await;
        self.put(&format!("{path}/content"), content).await.ok(201);
        path
    }

    /// The path of a new video with `content`, which nobody analyses yet.
    pub(crate) async fn upload_quietly(&self, content: Vec<u8>) -> String {
        let path = self.video("A film").await;
        self.put(&format!("{path}/content?analyze=false"), content).await.ok(201);
        path
    }

    /// The analysis of the video at `path`, once it has ended.
    pub(crate) async fn ended_analysis(&self, path: &str) -> Value {
        eventually("the end of the analysis", async || {
            let analysis = self.get(&format!("{path}/analysis")).await.ok(200);
            (!matches!(analysis["status"].as_str(), Some("queued" | "running"))).then_some(analysis)
        })
        .await
    }
}
