//! One call of the provider at a time for all machines of a client.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use cos_proto::{Credentials, CredentialsFailed, Session};
use tokio::{sync::watch, task::AbortHandle, time::timeout};

use super::CredentialsProvider;
use crate::shared::unix_now;

/// How long a provider may take.
const PROVIDER_TIMEOUT: Duration = Duration::from_secs(60);

type Answer = Result<Credentials, CredentialsFailed>;

/// Calls the provider for whoever needs credentials, once for all who need them at the same time.
pub(crate) struct SingleFlight {
    provider: Arc<dyn CredentialsProvider>,
    session: Session,
    current: Arc<Mutex<Option<Flight>>>,
}

struct Flight {
    answer: watch::Receiver<Option<Answer>>,
    task: AbortHandle,
}

impl SingleFlight {
    pub(crate) fn new(provider: Arc<dyn CredentialsProvider>, session: Session) -> Self {
        Self { provider, session, current: Arc::default() }
    }

    /// Joins the call under way or begins one. It runs by itself, whoever stops waiting for it.
    pub(crate) fn refresh(&self) -> impl Future<Output = Answer> + Send + use<> {
        let mut current = lock(&self.current);
        let mut answer = if let Some(flight) = &*current {
            flight.answer.clone()
        } else {
            let (sender, answer) = watch::channel(None);
            let task = tokio::spawn(call(
                Landing(Arc::clone(&self.current)),
                Arc::clone(&self.provider),
                self.session.clone(),
                sender,
            ));
            *current = Some(Flight { answer: answer.clone(), task: task.abort_handle() });
            answer
        };
        async move {
            match answer.wait_for(Option::is_some).await.as_deref() {
                Ok(Some(answer)) => answer.clone(),
                _ => Err(CredentialsFailed::new("the credentials provider's task has ended")),
            }
        }
    }
}

impl Drop for SingleFlight {
    fn drop(&mut self) {
        if let Some(flight) = lock(&self.current).take() {
            flight.task.abort();
        }
    }
}

async fn call(
    landing: Landing,
    provider: Arc<dyn CredentialsProvider>,
    session: Session,
    sender: watch::Sender<Option<Answer>>,
) {
    let answer = timeout(PROVIDER_TIMEOUT, provider.credentials()).await.unwrap_or_else(|_| {
        let seconds = PROVIDER_TIMEOUT.as_secs();
        Err(CredentialsFailed::new(format!("the provider has not answered within {seconds} s")))
    });
    // The session has them before the flight ends, so nobody finds neither and asks once more.
    // A failure is the machines' to report.
    let _ = session.refresh(unix_now(), answer.clone());
    drop(landing);
    sender.send_replace(Some(answer));
}

/// Ends the flight, also when the provider panics.
struct Landing(Arc<Mutex<Option<Flight>>>);

impl Drop for Landing {
    fn drop(&mut self) {
        *lock(&self.0) = None;
    }
}

fn lock(current: &Mutex<Option<Flight>>) -> MutexGuard<'_, Option<Flight>> {
    current.lock().unwrap_or_else(PoisonError::into_inner)
}
