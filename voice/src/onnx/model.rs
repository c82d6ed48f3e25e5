//! A model file, opened in the ONNX Runtime.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ort::session::builder::GraphOptimizationLevel;
use ort::session::{RunOptions, Session, SessionInputValue};
use ort::value::Tensor;

use super::{OnnxError, Runtime};

/// Numbers for one input of a model, by name.
pub struct Input {
    /// The name of the input.
    pub name: &'static str,
    /// What is put in.
    pub values: Values,
}

/// The numbers of an input, with how many there are in each direction.
pub enum Values {
    /// Numbers with a fraction.
    Floats(Vec<usize>, Vec<f32>),
    /// Whole numbers.
    Integers(Vec<usize>, Vec<i64>),
}

impl Input {
    /// Numbers with a fraction; the shape says how many in each direction.
    pub fn floats(name: &'static str, shape: &[usize], values: Vec<f32>) -> Self {
        Self {
            name,
            values: Values::Floats(shape.to_vec(), values),
        }
    }

    /// Whole numbers; the shape says how many in each direction.
    pub fn integers(name: &'static str, shape: &[usize], values: Vec<i64>) -> Self {
        Self {
            name,
            values: Values::Integers(shape.to_vec(), values),
        }
    }
}

/// What a model gave, by name.
pub type Output = Vec<(String, Vec<f32>)>;

/// A model, ready to work.
pub struct Model {
    session: Session,
    path: PathBuf,
}

/// Stops a model at its work, from anywhere.
#[derive(Clone)]
pub struct Stop {
    options: Arc<Mutex<StopState>>,
}

struct StopState {
    running: Option<Arc<RunOptions>>,
    is_stopped: bool,
}

impl Stop {
    /// Stops nothing yet.
    pub fn new() -> Self {
        Self {
            options: Arc::new(Mutex::new(StopState {
                running: None,
                is_stopped: false,
            })),
        }
    }

    /// Whatever runs or is to run with it ends with an error.
    pub fn stop(&self) {
        let mut state = self.options.lock().unwrap_or_else(PoisonError::into_inner);
        state.is_stopped = true;
        if let Some(running) = &state.running {
            // It can only fail where there is no memory, and then the run fails too.
            let _ = running.terminate();
        }
    }

    fn begin(&self, options: Arc<RunOptions>) -> Result<(), OnnxError> {
        let mut state = self.options.lock().unwrap_or_else(PoisonError::into_inner);
        if state.is_stopped {
            return Err(OnnxError::Run("it was stopped".to_owned()));
        }
        state.running = Some(options);
        Ok(())
    }

    fn end(&self) {
        self.options
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .running = None;
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}

impl Model {
    /// Opens a model file, to work on so many threads.
    ///
    /// # Errors
    /// No such file, or no model in it that this runtime knows.
    pub fn open(runtime: &Runtime, path: &Path, threads: usize) -> Result<Self, OnnxError> {
        let refused = |reason: String| OnnxError::Model {
            path: path.to_owned(),
            reason,
        };
        if !path.is_file() {
            return Err(refused("there is no such file".to_owned()));
        }
        let open = || -> ort::Result<Session> {
            Session::builder(&runtime.environment)?
                .with_intra_threads(threads)?
                .with_inter_threads(1)?
                .with_optimization_level(GraphOptimizationLevel::Level3)?
                .commit_from_file(path)
        };
        let session = open().map_err(|error| refused(first_line(&error)))?;
        Ok(Self {
            session,
            path: path.to_owned(),
        })
    }

    /// Whether it has an input of this name.
    pub fn has_input(&self, name: &str) -> bool {
        self.session
            .inputs()
            .iter()
            .any(|input| input.name() == name)
    }

    /// Complains unless it has all these inputs, so that the wrong file is told apart when it is opened.
    ///
    /// # Errors
    /// One is not there.
    pub fn expect_inputs(&self, names: &[&str]) -> Result<(), OnnxError> {
        for name in names {
            if !self.has_input(name) {
                return Err(OnnxError::Model {
                    path: self.path.clone(),
                    reason: format!("it has no input {name}, so it is a model for something else"),
                });
            }
        }
        Ok(())
    }

    /// Works on some numbers and returns all outputs that are numbers with a fraction.
    ///
    /// # Errors
    /// The model refused the numbers, or was stopped.
    pub fn run(&mut self, inputs: Vec<Input>, stop: &Stop) -> Result<Output, OnnxError> {
        let failed = |error: ort::Error| OnnxError::Run(first_line(&error));
        let mut values: Vec<(&str, SessionInputValue<'_>)> = Vec::with_capacity(inputs.len());
        for input in inputs {
            let value = match input.values {
                Values::Floats(shape, data) => Tensor::from_array((shape, data))
                    .map_err(failed)?
                    .into_dyn(),
                Values::Integers(shape, data) => Tensor::from_array((shape, data))
                    .map_err(failed)?
                    .into_dyn(),
            };
            values.push((input.name, value.into()));
        }
        let options = Arc::new(RunOptions::new().map_err(failed)?);
        stop.begin(Arc::clone(&options))?;
        let outputs = self.session.run_with_options(values, &options);
        stop.end();
        let outputs = outputs.map_err(failed)?;
        let mut read = Vec::new();
        for (name, value) in &outputs {
            if let Ok((_, data)) = value.try_extract_tensor::<f32>() {
                read.push((name.to_owned(), data.to_vec()));
            }
        }
        Ok(read)
    }
}

/// What the runtime says, without the list of its source files that may follow.
fn first_line<T>(error: &ort::Error<T>) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().to_owned()
}
