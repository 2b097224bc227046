//! libgm from Rust: this file and gm_api.rs, no crate.
//!
//!     rustc --edition 2021 main.rs -L lib -l gm
//!
//!     let ctx = gm::Context::new(0)?;
//!     let mut vae = ctx.model("vae", "hidden=400 latent=20")?;
//!     vae.fit(&ctx.dataset("idx:train-images-idx3-ubyte.gz")?, "epochs=10")?;
//!     gm::grid(&vae.sample(64, 1)?, "digits.png")?;
//!
//! Objects are counted by the library, so they may be dropped in any order. They belong to the thread of their context.
//! `gm::api` has every function and constant of the library.
#[path = "gm_api.rs"]
pub mod api;

use api::*;
use std::any::Any;
use std::ffi::{CStr, CString};
use std::fmt;
use std::os::raw::{c_char, c_int, c_void};
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::ptr;

/// A failed call: GM_E.. and one line.
#[derive(Debug, Clone)]
pub struct Error {
    pub status: gm_status,
    pub message: String,
}

pub type Result<T> = std::result::Result<T, Error>;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}: {}", text(unsafe { gm_status_name(self.status) }), self.message)
    }
}

impl std::error::Error for Error {}

fn text(p: *const c_char) -> String {
    unsafe { CStr::from_ptr(p) }.to_string_lossy().into_owned()
}

fn c(s: &str) -> Result<CString> {
    CString::new(s).map_err(|_| Error { status: GM_EARG, message: "a text with a 0 byte in it".into() })
}

/// OK or END as true or false; anything else is an error with the context's message.
fn check(ctx: *mut gm_ctx, status: gm_status) -> Result<bool> {
    match status {
        GM_OK => Ok(true),
        GM_END => Ok(false),
        _ => Err(Error { status, message: text(unsafe { gm_ctx_message(ctx) }) }),
    }
}

/// Handles with the context that has their messages, which they keep alive.
macro_rules! handle {
    ($name:ident, $c:ident, $free:ident) => {
        pub struct $name {
            ctx: *mut gm_ctx,
            pub raw: *mut $c,
        }
        impl $name {
            fn of(ctx: *mut gm_ctx, make: impl FnOnce(*mut *mut $c) -> gm_status) -> Result<$name> {
                let mut raw = ptr::null_mut();
                check(ctx, make(&mut raw))?;
                Ok($name { ctx, raw })
            }
        }
        impl Drop for $name {
            fn drop(&mut self) {
                unsafe { $free(self.raw) }
            }
        }
    };
}

handle!(Tensor, gm_tensor, gm_tensor_free);
handle!(Dataset, gm_dataset, gm_dataset_free);
handle!(Model, gm_model, gm_model_free);
handle!(Trainer, gm_trainer, gm_trainer_free);
handle!(Sampler, gm_sampler, gm_sampler_free);

pub struct Context {
    pub raw: *mut gm_ctx,
}

impl Drop for Context {
    fn drop(&mut self) {
        unsafe { gm_ctx_free(self.raw) }
    }
}

/// A type that tensors hold.
pub trait Number: Copy + Default {
    const DTYPE: i32;
}
impl Number for f32 { const DTYPE: i32 = GM_F32; }
impl Number for f64 { const DTYPE: i32 = GM_F64; }
impl Number for i32 { const DTYPE: i32 = GM_I32; }
impl Number for i64 { const DTYPE: i32 = GM_I64; }
impl Number for u8 { const DTYPE: i32 = GM_U8; }

impl Context {
    /// threads = 0: as many as processors.
    pub fn new(threads: i32) -> Result<Context> {
        let mut raw = ptr::null_mut();
        let status = unsafe {
            let mut config: gm_ctx_config = std::mem::zeroed();
            gm_ctx_config_init(&mut config, std::mem::size_of::<gm_ctx_config>());
            config.threads = threads;
            gm_ctx_new(&config, &mut raw)
        };
        if status != GM_OK {
            return Err(Error { status, message: text(unsafe { gm_status_text(status) }) });
        }
        Ok(Context { raw })
    }

    /// A copy of a slice, row-major.
    pub fn tensor<T: Number>(&self, data: &[T], shape: &[i64]) -> Result<Tensor> {
        if shape.iter().product::<i64>() != data.len() as i64 {
            return Err(Error { status: GM_ESHAPE, message: format!("{} numbers for shape {:?}", data.len(), shape) });
        }
        Tensor::of(self.raw, |out| unsafe { gm_tensor_copy(self.raw, T::DTYPE, shape.len() as i32, shape.as_ptr(), data.as_ptr() as *const c_void, out) })
    }

    pub fn dataset(&self, spec: &str) -> Result<Dataset> {
        let spec = c(spec)?;
        Dataset::of(self.raw, |out| unsafe { gm_dataset_open(self.raw, spec.as_ptr(), out) })
    }

    pub fn dataset_of(&self, x: &Tensor, label: Option<&Tensor>) -> Result<Dataset> {
        Dataset::of(self.raw, |out| unsafe { gm_dataset_from_tensors(self.raw, x.raw, label.map_or(ptr::null_mut(), |t| t.raw), out) })
    }

    /// Texts for language models.
    pub fn texts(&self, rows: &[&str]) -> Result<Dataset> {
        let all = rows.concat();
        let mut ends = vec![0i64];
        for row in rows {
            ends.push(ends[ends.len() - 1] + row.len() as i64);
        }
        let bytes = self.tensor(all.as_bytes(), &[all.len() as i64])?;
        let ends = self.tensor(&ends, &[ends.len() as i64])?;
        Dataset::of(self.raw, |out| unsafe { gm_dataset_from_ragged(self.raw, bytes.raw, ends.raw, ptr::null_mut(), out) })
    }

    pub fn model(&self, family: &str, options: &str) -> Result<Model> {
        let (family, options) = (c(family)?, c(options)?);
        Model::of(self.raw, |out| unsafe { gm_model_new(self.raw, family.as_ptr(), options.as_ptr(), out) })
    }

    pub fn load(&self, path: &str) -> Result<Model> {
        let path = c(path)?;
        Model::of(self.raw, |out| unsafe { gm_model_load(self.raw, path.as_ptr(), out) })
    }
}

impl Tensor {
    pub fn shape(&self) -> Vec<i64> {
        unsafe { (0..gm_tensor_ndim(self.raw)).map(|i| gm_tensor_dim(self.raw, i)).collect() }
    }

    /// A copy of the numbers, row-major.
    pub fn to_vec<T: Number>(&self) -> Result<Vec<T>> {
        if unsafe { gm_tensor_dtype(self.raw) } != T::DTYPE {
            return Err(Error { status: GM_EDTYPE, message: format!("the tensor holds {}", text(unsafe { gm_dtype_name(gm_tensor_dtype(self.raw)) })) });
        }
        let mut out = vec![T::default(); unsafe { gm_tensor_size(self.raw) } as usize];
        check(self.ctx, unsafe { gm_tensor_read(self.raw, out.as_mut_ptr() as *mut c_void, std::mem::size_of_val(&out[..])) })?;
        Ok(out)
    }
}

/// Writes images side by side as a PNG.
pub fn grid(images: &Tensor, path: &str) -> Result<()> {
    let path = c(path)?;
    check(images.ctx, unsafe { gm_png_write(images.raw, 0, path.as_ptr()) }).map(|_| ())
}

/// A closure that C calls, and what it panicked with: no panic may cross C.
struct Callback<F> {
    run: F,
    panic: Option<Box<dyn Any + Send>>,
}

impl<F> Callback<F> {
    fn call(&mut self, go: impl FnOnce(&mut F) -> bool) -> c_int {
        let run = &mut self.run;
        match catch_unwind(AssertUnwindSafe(|| go(run))) {
            Ok(more) => !more as c_int,
            Err(panic) => {
                self.panic = Some(panic);
                1
            }
        }
    }
    fn done<T>(self, result: Result<T>) -> Result<T> {
        if let Some(panic) = self.panic {
            resume_unwind(panic);
        }
        result
    }
}

unsafe extern "C" fn on_progress<F: FnMut(&gm_progress) -> bool>(p: *const gm_progress, user: *mut c_void) -> c_int {
    (*(user as *mut Callback<F>)).call(|run| run(&*p))
}

unsafe extern "C" fn on_text<F: FnMut(&[u8]) -> bool>(bytes: *const c_char, n: usize, user: *mut c_void) -> c_int {
    (*(user as *mut Callback<F>)).call(|run| run(std::slice::from_raw_parts(bytes as *const u8, n)))
}

impl Model {
    pub fn fit(&mut self, data: &Dataset, options: &str) -> Result<()> {
        let options = c(options)?;
        check(self.ctx, unsafe { gm_fit(self.raw, data.raw, options.as_ptr()) }).map(|_| ())
    }

    /// With a look at the run every so many seconds; false stops it with GM_ECANCELED.
    pub fn fit_with<F: FnMut(&gm_progress) -> bool>(&mut self, data: &Dataset, options: &str, seconds: f64, progress: F) -> Result<()> {
        let options = c(options)?;
        let trainer = Trainer::of(self.ctx, |out| unsafe { gm_trainer_new(self.raw, data.raw, options.as_ptr(), out) })?;
        let mut callback = Callback { run: progress, panic: None };
        let user = &mut callback as *mut Callback<F> as *mut c_void;
        let result = check(self.ctx, unsafe { gm_trainer_set_progress(trainer.raw, Some(on_progress::<F>), user, seconds) })
            .and_then(|_| check(self.ctx, unsafe { gm_trainer_run(trainer.raw) }));
        drop(trainer);
        callback.done(result.map(|_| ()))
    }

    pub fn save(&self, path: &str) -> Result<()> {
        let path = c(path)?;
        check(self.ctx, unsafe { gm_model_save(self.raw, path.as_ptr()) }).map(|_| ())
    }

    pub fn sample(&self, n: i64, seed: u64) -> Result<Tensor> {
        Tensor::of(self.ctx, |out| unsafe { gm_sample(self.raw, n, seed, out) })
    }

    /// verb: api::GM_CAN_ENCODE, _DECODE, _RECONSTRUCT, _SCORE, _PREDICT or _LOG_PROB.
    pub fn apply(&self, verb: i32, x: &Tensor, cond: Option<&Tensor>) -> Result<Tensor> {
        Tensor::of(self.ctx, |out| unsafe { gm_model_apply(self.raw, verb as u32, x.raw, cond.map_or(ptr::null_mut(), |t| t.raw), out) })
    }

    pub fn sampler(&self, ctx: &Context, options: &str) -> Result<Sampler> {
        let options = c(options)?;
        Sampler::of(ctx.raw, |out| unsafe { gm_sampler_new(ctx.raw, self.raw, options.as_ptr(), out) })
    }
}

impl Sampler {
    pub fn draw(&mut self, n: i64) -> Result<Tensor> {
        Tensor::of(self.ctx, |out| unsafe { gm_sampler_draw(self.raw, n, ptr::null_mut(), out) })
    }

    pub fn prompt(&mut self, text: &str) -> Result<()> {
        check(self.ctx, unsafe { gm_sampler_prompt(self.raw, text.as_ptr() as *const c_void, text.len()) }).map(|_| ())
    }

    /// Hands text to `take` as it is made, from so many tokens or until the text ends; false stops it with GM_ECANCELED.
    pub fn write<F: FnMut(&[u8]) -> bool>(&mut self, tokens: i64, take: F) -> Result<()> {
        let mut callback = Callback { run: take, panic: None };
        let user = &mut callback as *mut Callback<F> as *mut c_void;
        let result = check(self.ctx, unsafe { gm_sampler_write(self.raw, tokens, Some(on_text::<F>), user, ptr::null_mut()) });
        callback.done(result.map(|_| ()))
    }
}

/// Numbers of tokens as they are drawn.
impl Iterator for Sampler {
    type Item = Result<i64>;
    fn next(&mut self) -> Option<Result<i64>> {
        let mut token = 0;
        match check(self.ctx, unsafe { gm_sampler_next(self.raw, &mut token) }) {
            Ok(true) => Some(Ok(token)),
            Ok(false) => None,
            Err(e) => Some(Err(e)),
        }
    }
}
