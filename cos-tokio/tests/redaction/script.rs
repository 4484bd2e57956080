//! What a program does with a client and a driver, with all that can go wrong; every value is shown.

/// The same for both adapters, whose methods have the same names: the crate, its way to write bytes,
/// and the words that make it asynchronous.
macro_rules! script {
    ($adapter:ident, $write:ident, [$($async:tt)?], [$($await:tt)*]) => {
        use cos_proto::{
            CallKind, CopySource, Presign,
            api::{CopyOptions, GetOptions, ListOptions, MetadataDirective, ObjectOptions},
            emulator::Effect,
            op::{DownloadOptions, HeadBucket},
        };
        use http::Method;
        use $adapter::{Append, Client, ClientBuilder, CvmRole, Driver, Proxy, TracingObserver};

        use crate::{scene::*, shown::Shown};

        pub $($async)? fn run(scene: &Scene, shown: &mut Shown) {
            let client = client(scene, shown);
            objects(scene, shown, &client)$($await)*;
            failures(scene, shown, &client)$($await)*;
            writers(shown, &client)$($await)*;
            driver(scene, shown)$($await)*;
            refused(scene, shown)$($await)*;
        }

        fn client(scene: &Scene, shown: &mut Shown) -> Client {
            let builder = Client::builder(scene.session())
                .credentials(Rotating::default())
                .observer(TracingObserver)
                .chunk_size(1 << 20)
                .proxy(Proxy::Url(format!("http://user:{PROXY_PASSWORD}@127.0.0.1:1")));
            shown.debug(&builder);
            shown.debug(&Proxy::Url(format!("http://user:{PROXY_PASSWORD}@127.0.0.1:1")));
            shown.debug(&CvmRole::new());
            let client = builder.proxy(Proxy::Direct).build().expect("a client");
            shown.debug(&client);
            shown.debug(client.session());
            client
        }

        $($async)? fn objects(scene: &Scene, shown: &mut Shown, client: &Client) {
            shown.result(client.run(HeadBucket::new())$($await)*).expect("a bucket");
            shown.debug(&(under(sse_c()), under_kms()));
            let put = client.put(key("c"), under(sse_c()), "text".to_owned())$($await)*;
            shown.result(put).expect("stored");
            let put = client.put(key("kms"), under_kms(), "text".to_owned())$($await)*;
            shown.result(put).expect("stored");
            let read = GetOptions::new().sse_c(sse_c());
            shown.debug(&read);
            shown.result(client.get(key("c"), read.clone(), 9)$($await)*).expect("read");
            shown.result(client.head(key("c"), read)$($await)*).expect("described");
            let options = DownloadOptions::new().sse_c(sse_c());
            shown.debug(&options);
            let mut reader = client.reader(key("c"), options)$($await)*.expect("opened");
            shown.debug(&reader);
            let mut text = String::new();
            reader.read_to_string(&mut text)$($await)*.expect("read");
            shown.debug(&reader);
            let options = CopyOptions::new(under(other_sse_c()), MetadataDirective::Replaced)
                .expect("options")
                .source_sse_c(sse_c());
            shown.debug(&options);
            let copy = client.copy(CopySource::new(key("c")), key("d"), options)$($await)*;
            shown.result(copy).expect("copied");
            shown.debug(&client.list(ListOptions::new("")));
            for method in [Method::GET, Method::PUT] {
                let presign = Presign::new(method, key("c"));
                shown.debug(&presign);
                let url = shown.result(client.presign(&presign)$($await)*).expect("a URL");
                assert!(url.as_str().contains("q-signature="), "the URL itself is whole");
            }
            scene.expire();
            shown.result(client.head(key("kms"), GetOptions::new())$($await)*).expect("described");
            scene.expire();
        }

        $($async)? fn failures(scene: &Scene, shown: &mut Shown, client: &Client) {
            let absent = client.get(key("absent"), GetOptions::new(), 9)$($await)*;
            assert!(shown.result(absent).is_none());
            let keyless = client.get(key("c"), GetOptions::new(), 9)$($await)*;
            assert!(shown.result(keyless).is_none());
            for effect in [
                Effect::slow_down(),
                Effect::internal_error(),
                Effect::Gateway502,
                Effect::LostReply,
                Effect::RefuseBefore,
                Effect::CutBody(1),
                Effect::CorruptBody,
            ] {
                scene.fault(CallKind::GetObject, effect);
                let read = client.get(key("c"), GetOptions::new().sse_c(sse_c()), 9)$($await)*;
                shown.result(read).expect("read after all");
            }
            // Services have been seen to say back what they were sent.
            let echo = Effect::error(403, "AccessDenied");
            scene.fault(CallKind::PutObject, echo);
            let put = client.put(key("c"), under(sse_c()), "text".to_owned())$($await)*;
            assert!(shown.result(put).is_none());
            scene.fault(CallKind::PutObjectCopy, Effect::ErrorIn200 { code: "AccessDenied".into() });
            let copy =
                client.copy(key("kms"), key("e"), CopyOptions::default())$($await)*;
            assert!(shown.result(copy).is_none());
        }

        $($async)? fn writers(shown: &mut Shown, client: &Client) {
            let mut writer = client.writer(key("w"), under(sse_c()));
            shown.debug(&writer);
            writer.$write(vec![7; 3 << 20])$($await)*.expect("written");
            shown.debug(&writer);
            shown.result(writer.close()$($await)*).expect("closed");
            let state = writer.state();
            shown.debug(&state);
            let mut writer = client.resume_writer(key("w"), state, under(other_sse_c()));
            shown.debug(&writer);
            let _ = shown.result(writer.$write(vec![8; 2 << 20])$($await)*);
            let _ = shown.result(writer.commit()$($await)*);
            let _ = shown.result(writer.cancel()$($await)*);
            shown.debug(&writer);
        }

        $($async)? fn driver(scene: &Scene, shown: &mut Shown) {
            let builder = scene.config();
            shown.debug(&builder);
            let config = builder.build().expect("a configuration");
            shown.debug(&config);
            shown.debug(config.credentials_source());
            let builder = ClientBuilder::from_config(&config).proxy(Proxy::Direct);
            shown.debug(&builder);
            let driver = Driver::from_builder(&config, builder).expect("a driver");
            shown.debug(&driver);
            driver.put_content("/a/b", "text")$($await)*.expect("stored");
            let mut writer = driver.writer("/a/w", Append::No)$($await)*.expect("a writer");
            writer.$write("text")$($await)*.expect("written");
            shown.debug(&writer);
            shown.result(writer.commit()$($await)*).expect("committed");
            shown.debug(&driver.walk("/", &Default::default()).expect("a walk"));
            let url = driver.redirect_url(&Method::GET, "/a/b", None)$($await)*;
            shown.result(url).flatten().expect("a URL");
            assert!(shown.result(driver.get_content("/none")$($await)*).is_none());
            assert!(shown.result(driver.delete("/none")$($await)*).is_none());
            scene.fault(CallKind::DeleteMultipleObjects, Effect::error(403, "AccessDenied"));
            assert!(shown.result(driver.delete("/a")$($await)*).is_none());
            shown.debug(&driver);
        }

        /// Wrong keys, a server that is not there, parameters that are none.
        $($async)? fn refused(scene: &Scene, shown: &mut Shown) {
            let id = permanent().secret_id().to_owned();
            let config = scene.config().secret(id, WRONG_KEY).build().expect("a configuration");
            let builder = ClientBuilder::from_config(&config).proxy(Proxy::Direct);
            let driver = Driver::from_builder(&config, builder).expect("a driver");
            assert!(shown.result(driver.put_content("/a", "text")$($await)*).is_none());
            assert!(shown.result(driver.stat("/a")$($await)*).is_none());

            let config = scene.config().session_token(TOKEN).endpoint("http://127.0.0.1:1");
            let config = config.parameter("calldeadline", "1s").build().expect("a configuration");
            shown.debug(&config);
            for proxy in [
                Proxy::Direct,
                Proxy::Url(format!("http://user:{PROXY_PASSWORD}@127.0.0.1:1")),
                Proxy::Url(format!("user:{PROXY_PASSWORD}@:")),
            ] {
                let builder = ClientBuilder::from_config(&config).proxy(proxy);
                if let Some(driver) = shown.result(Driver::from_builder(&config, builder)) {
                    assert!(shown.result(driver.put_content("/a", "text")$($await)*).is_none());
                }
            }
            // The third refresh finds no credentials.
            let client = Client::builder(scene.session()).credentials(Rotating::default());
            let client = client.proxy(Proxy::Direct).build().expect("a client");
            for _ in 0..3 {
                for denied in ["ExpiredToken", "InvalidAccessKeyId"] {
                    scene.fault(CallKind::PutObject, Effect::error(403, denied));
                }
                let put = client.put(key("z"), ObjectOptions::new(), "text".to_owned())$($await)*;
                shown.result(put);
            }
        }
    };
}

pub mod of_tokio {
    use tokio::io::AsyncReadExt as _;
    script!(cos_tokio, write, [async], [.await]);
}

pub mod of_blocking {
    use std::io::Read as _;
    script!(cos_blocking, write_bytes, [], []);
}
