//! Puts the parts of a node together: the one place that knows them all.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use hearth_api::{LiveLimit, Metrics};
use hearth_app::money::DefaultLimits;
use hearth_app::{App, Facility};
use hearth_domain::Actor;
use hearth_domain::field::Name;
use hearth_domain::key::Grant;
use hearth_domain::money;
use hearth_runtime::web::FetchError;
use hearth_runtime::{
    ChiefOfStaff, LiveLimits, Models, SandboxChecks, SandboxFacility, SandboxToolTester, Seed, Web,
};
use hearth_sandbox::network::SystemResolver;
use hearth_sandbox::{Limits, Stage};
use hearth_store::Store;
use tokio::net::TcpListener;
use tracing::warn;

use crate::SANDBOX_STAGE;
use crate::data_dir::DataDir;
use crate::inbox::Inbox;
use crate::lifecycle::Lifecycle;
use crate::listening::NodeVoice;
use crate::listening::notes::Notes;
use crate::listening::ptt::{AppAnswers, push_to_talk};
use crate::model::ModelKeeper;
use crate::reload::{Live, Reload};
use crate::search::searching;
use crate::settings::environment::for_outside;
use crate::settings::{BudgetSettings, SandboxSettings, Settings};
use crate::system::{SystemClock, UuidSource};
use crate::telegram::Telegram;

/// Opens the store and the operations on it.
///
/// # Errors
/// The database cannot be opened; the message says what is the matter with it.
pub(crate) fn open_app(settings: &Settings) -> anyhow::Result<(Store, App)> {
    let clock = SystemClock::in_zone(settings.time_zone.clone());
    open_app_with(settings, clock)
}

/// As [`open_app`], with a clock that is also in other hands.
///
/// # Errors
/// See [`open_app`].
pub(crate) fn open_app_with(
    settings: &Settings,
    clock: SystemClock,
) -> anyhow::Result<(Store, App)> {
    let data = DataDir::at(&settings.data_dir);
    let ids = Arc::new(UuidSource);
    let store = Store::open(
        &hearth_store::Config {
            path: data.database(),
        },
        ids.clone(),
    )?;
    let app = App::new(store.clone(), Arc::new(clock), ids, app_config(settings))
        .with_context(|| format!("cannot use the folder {}", data.artifacts().display()))?;
    Ok((store, app))
}

/// Makes sure that the data folder holds a valid key of the owner's: made at the first start, and
/// anew where the one that is there is not, or not any more, a key of this database.
///
/// # Errors
/// The key cannot be stored.
pub(crate) async fn ensure_owner_key(app: &App, data: &DataDir) -> anyhow::Result<()> {
    if let Some(key) = data.read_owner_key()? {
        let caller = app.authenticate(key.reveal())?;
        if caller.is_some_and(|caller| caller.actor == Actor::Owner) {
            return Ok(());
        }
        warn!("the owner's key in the data folder is not valid here; a new one takes its place");
    }
    let name = Name::parse("name", "owner of this node")?;
    let (_, secret) = app.create_key(&Actor::System, name, Grant::Admin).await?;
    data.write_owner_key(secret.reveal())
}

/// Starts everything that runs in the background, and the interface.
///
/// # Errors
/// The program does not know its own file; a folder cannot be used.
pub(crate) fn start(
    app: &App,
    live: Live,
    listener: TcpListener,
    lifecycle: &Lifecycle,
) -> anyhow::Result<()> {
    let settings = &live.loaded.settings;
    let shutdown = lifecycle.shutdown().clone();
    let sweeping = (app.clone(), shutdown.clone());
    lifecycle.spawn("sweep", async move {
        hearth_app::sweep::run(sweeping.0, sweeping.1).await;
        Ok(())
    });
    start_voice(app, &live, lifecycle);
    let inbox = Inbox::new(app.clone(), DataDir::at(&settings.data_dir).inbox());
    let taking = shutdown.clone();
    lifecycle.spawn("inbox", async move {
        inbox.run(taking).await;
        Ok(())
    });

    let models = Models::default();
    let environment = live.layers.environment.clone();
    let (keeper, desk) = ModelKeeper::new(models.clone(), live.model.subscribe(), environment);
    app.set_language_models(Arc::new(desk));

    let chief_of_staff = ChiefOfStaff::new(models.clone(), shutdown.clone());
    app.set_chief_of_staff(Arc::new(chief_of_staff));
    let there = (app.clone(), shutdown.clone());
    lifecycle.spawn("chief-of-staff", async move {
        ChiefOfStaff::run(there.0, there.1).await;
        Ok(())
    });

    let telegram = Telegram::new(
        live.telegram.subscribe(),
        live.layers.environment.clone(),
        Some(Arc::new(Notes(app.clone()))),
    );
    let talking = (app.clone(), shutdown.clone());
    lifecycle.spawn("telegram", async move {
        telegram.run(talking.0, talking.1).await;
        Ok(())
    });

    let program = std::env::current_exe().context("cannot find the program's own file")?;
    let mut sandbox = sandbox_config(program);
    let own = [Some(settings.data_dir.clone()), live.loaded.file.clone()];
    sandbox.protected = own.into_iter().flatten().collect();
    let sandbox = SandboxFacility::new(sandbox, app.clone());
    let checks = SandboxChecks::new(
        sandbox.clone(),
        checks_config(settings, live.limits.clone()),
        shutdown.clone(),
    )
    .context("the folder for acceptance checks cannot be used")?;
    app.set_check_runner(Arc::new(checks));
    let tester = SandboxToolTester::new(sandbox.clone(), live.limits.clone(), shutdown.clone());
    app.set_tool_tester(Arc::new(tester));
    if settings.agents.has_builtin {
        let (app, sandbox, shutdown) = (app.clone(), sandbox.clone(), shutdown.clone());
        let config = seed_config(settings, live.limits.clone(), models);
        let (search, environment) = (settings.search.clone(), live.layers.environment.clone());
        lifecycle.spawn("seed", async move {
            // It reads the machine's certificates, which the start does not wait for.
            // The keyring is asked as well.
            let web = tokio::task::spawn_blocking(move || {
                let web = Web::new(Arc::new(SystemResolver))?;
                Ok::<_, FetchError>(web.searching(searching(&search, &environment)))
            })
            .await?
            .context("pages of the web cannot be fetched")?;
            Seed::new(app, sandbox, web, config)
                .run(shutdown)
                .await
                .context("the folder for workspaces cannot be used")
        });
    }
    app.change_facilities(|known| known.agents = builtin(settings));
    let keeping = (app.clone(), shutdown.clone());
    lifecycle.spawn("models", async move {
        keeper.run(keeping.0, keeping.1).await;
        Ok(())
    });
    // Looked for beside the start, which does not wait for it; a missing one is no failure.
    tokio::spawn(async move {
        if let Err(missing) = sandbox.get().await {
            warn!(
                reason = missing.reason,
                remedy = missing.remedy,
                "{missing}"
            );
        }
    });

    let config = api_config(settings, live.max_body_bytes.clone());
    let router = hearth_api::router(
        app.clone(),
        config.clone(),
        Metrics::install(),
        shutdown.clone(),
    );
    let serving = shutdown.clone();
    lifecycle.spawn("http", async move {
        hearth_api::serve(listener, router, &config, serving).await;
        Ok(())
    });
    let reload = Reload::new(app.clone(), live);
    lifecycle.spawn("settings", async move {
        reload.run(shutdown).await;
        Ok(())
    });
    Ok(())
}

/// Hands in who hears and speaks, and starts what follows the key.
fn start_voice(app: &App, live: &Live, lifecycle: &Lifecycle) {
    let settings = &live.loaded.settings;
    let voice = NodeVoice::new(
        &settings.voice,
        &settings.listening,
        DataDir::at(&settings.data_dir),
        live.layers.environment.clone(),
    );
    app.set_voice(Arc::new(voice.clone()));
    let shutdown = lifecycle.shutdown().clone();
    let answers = AppAnswers::new(
        app.clone(),
        voice.clone(),
        settings.listening.speaks_answers,
    );
    let (key, listener, answering) = push_to_talk(
        settings.listening.local(),
        settings.listening.keeps_microphone_open,
        Arc::new(answers),
        shutdown.clone(),
    );
    app.set_push_to_talk(Arc::new(key));
    lifecycle.spawn("push-to-talk", async move {
        listener.run().await;
        Ok(())
    });
    // Ends after the listener, with what that hands over at the end.
    lifecycle.spawn("spoken-answers", async move {
        answering.await;
        Ok(())
    });
    let app = app.clone();
    lifecycle.spawn("voice", async move {
        voice.watch(app, shutdown).await;
        Ok(())
    });
}

/// Whether the built-in agents run.
fn builtin(settings: &Settings) -> Facility {
    if settings.agents.has_builtin {
        Facility::works()
    } else {
        Facility::missing(
            "the built-in agents, which are switched off",
            "hearth config set agents.builtin true, then start the node without --no-agents",
        )
    }
}

pub(crate) fn sandbox_config(program: PathBuf) -> hearth_sandbox::Config {
    hearth_sandbox::Config::new(Stage {
        program,
        args: vec![SANDBOX_STAGE.into()],
    })
}

fn checks_config(settings: &Settings, limits: LiveLimits) -> hearth_runtime::checks::Config {
    hearth_runtime::checks::Config {
        dir: DataDir::at(&settings.data_dir).checks(),
        limits,
    }
}

pub(crate) fn app_config(settings: &Settings) -> hearth_app::Config {
    hearth_app::Config {
        artifacts_dir: DataDir::at(&settings.data_dir).artifacts(),
        artifact_max_bytes: settings.artifacts.max_bytes,
        offline_after: settings.agents.offline_after,
        remind_before: settings.remind_before,
        budgets: default_limits(&settings.budget),
        day: settings.day.times(),
    }
}

fn default_limits(budget: &BudgetSettings) -> DefaultLimits {
    let dollars = |usd_micros| money::Limits {
        usd_micros,
        ..money::Limits::default()
    };
    DefaultLimits {
        everything: dollars(budget.total_usd_micros),
        day: dollars(budget.day_usd_micros),
        task: money::Limits {
            turns: Some(budget.task_turns),
            tool_calls: Some(budget.task_tool_calls),
            wall_ms: u64::try_from(budget.task_wall.as_millis()).ok(),
            children: Some(budget.task_children),
            ..dollars(budget.task_usd_micros)
        },
    }
}

fn seed_config(settings: &Settings, limits: LiveLimits, models: Models) -> hearth_runtime::Config {
    hearth_runtime::Config {
        workspaces_dir: DataDir::at(&settings.data_dir).workspaces(),
        limits,
        parallel: usize::try_from(settings.agents.parallel).unwrap_or(1),
        environment: for_outside(),
        models,
    }
}

pub(crate) fn limits(settings: &SandboxSettings) -> Limits {
    let defaults = Limits::default();
    Limits {
        time: settings.time,
        cpu: settings.time,
        memory_bytes: settings.memory_bytes,
        // Programs reserve more than they use.
        address_bytes: settings
            .memory_bytes
            .saturating_mul(2)
            .max(defaults.address_bytes),
        processes: settings.processes,
        output_bytes: size(settings.output_bytes),
        file_bytes: settings.file_bytes,
        ..defaults
    }
}

/// Returns as much of a size as this machine can count.
pub(crate) fn size(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

fn api_config(settings: &Settings, max_body_bytes: LiveLimit) -> hearth_api::Config {
    hearth_api::Config {
        allowed_hosts: settings.allowed_hosts.clone(),
        max_body_bytes,
        max_audio_bytes: LiveLimit::new(size(settings.listening.max_upload_bytes)),
        max_connections: size(settings.http.max_connections),
        max_subscribers: size(settings.events.max_subscribers),
        version: env!("CARGO_PKG_VERSION"),
    }
}
