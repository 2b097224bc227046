// same.rs FOLDER - what same.c does, in Rust; then what the binding promises.
#[path = "../../examples/ffi/rust/gm.rs"]
#[allow(dead_code)]
mod gm;

use gm::{api, Context, Dataset, Model};
use std::panic::{catch_unwind, AssertUnwindSafe};

fn train(ctx: &Context, family: &str, options: &str, data: &Dataset, training: &str, folder: &str) -> Model {
    let mut m = ctx.model(family, options).unwrap();
    m.fit_with(data, training, 0.0, |_| true).unwrap();
    m.save(&format!("{folder}/{family}.safetensors")).unwrap();
    m
}

fn rows(ctx: &Context, family: &str, options: &str, data: &Dataset, training: &str, folder: &str) {
    let x: Vec<f32> = train(ctx, family, options, data, training, folder).sample(8, 2).unwrap().to_vec().unwrap();
    let bytes: Vec<u8> = x.iter().flat_map(|v| v.to_ne_bytes()).collect();
    std::fs::write(format!("{folder}/{family}.f32"), bytes).unwrap();
}

fn same(folder: &str) {
    let ctx = Context::new(1).unwrap();
    let digits = ctx.dataset("synth:digits,n=200,seed=1").unwrap();
    let x = gm::Tensor::to_vec::<f32>(&read(&ctx, &digits)).unwrap();
    let x = ctx.tensor(&x, &[200, 1, 28, 28]).unwrap();
    rows(&ctx, "vae", "hidden=16 latent=3 seed=1", &ctx.dataset_of(&x, None).unwrap(), "epochs=2 batch=50 lr=0.002", folder);
    rows(&ctx, "rbm", "hidden=12 seed=1", &ctx.dataset("synth:bars,n=200,seed=1").unwrap(), "epochs=2", folder);
    rows(&ctx, "gan", "hidden=16,16 noise-dim=4 seed=1", &ctx.dataset("synth:ring8,n=256,seed=1").unwrap(), "steps=20 batch=32", folder);
    let texts = ctx.texts(&[&"the cat sat on the mat, the dog sat on the log. ".repeat(10)]).unwrap();
    let gpt = train(&ctx, "gpt", "depth=1 heads=2 embd=16 block=16 seed=1", &texts, "steps=20 batch=4", folder);
    let mut s = gpt.sampler(&ctx, "temperature=0.8 seed=7").unwrap();
    drop(gpt); // the sampler keeps the model
    s.prompt("the cat").unwrap();
    let mut text = Vec::new();
    s.write(40, |piece| { text.extend_from_slice(piece); true }).unwrap();
    std::fs::write(format!("{folder}/gpt.txt"), text).unwrap();
}

// A function without a method of its own.
fn read(ctx: &Context, data: &Dataset) -> gm::Tensor {
    let mut probe = std::ptr::null_mut();
    assert_eq!(unsafe { api::gm_dataset_read(data.raw, c"x".as_ptr(), 0, 200, &mut probe) }, api::GM_OK);
    let t = ctx.tensor(unsafe { std::slice::from_raw_parts(api::gm_tensor_data(probe) as *const f32, 200 * 784) }, &[200, 1, 28, 28]).unwrap();
    unsafe { api::gm_tensor_free(probe) };
    t
}

fn promises() {
    let ctx = Context::new(1).unwrap();
    let e = ctx.model("vae", "latent=-1").err().unwrap();
    assert!(e.status == api::GM_EARG && e.to_string().starts_with("GM_EARG: vae: latent"), "{e}");
    assert_eq!(ctx.model("vae", "a\0b").err().unwrap().status, api::GM_EARG);
    assert_eq!(ctx.tensor(&[1f32, 2.0], &[3]).err().unwrap().status, api::GM_ESHAPE);
    assert_eq!(ctx.tensor(&[1i64, 2], &[2]).unwrap().to_vec::<f32>().err().unwrap().status, api::GM_EDTYPE);
    let data = ctx.dataset("synth:digits,n=60,seed=1").unwrap();
    let mut m = ctx.model("vae", "hidden=8 latent=2").unwrap();
    drop(ctx); // what was made from it keeps it
    assert_eq!(m.fit_with(&data, "", 0.0, |_| false).err().unwrap().status, api::GM_ECANCELED);
    std::panic::set_hook(Box::new(|_| ()));
    let panic = catch_unwind(AssertUnwindSafe(|| m.fit_with(&data, "", 0.0, |_| panic!("mine")))).err().unwrap();
    assert_eq!(*panic.downcast_ref::<&str>().unwrap(), "mine");
    let _ = std::panic::take_hook();
    m.fit(&data, "epochs=1").unwrap();
    drop(data);
    let x = m.sample(3, 1).unwrap();
    assert_eq!(m.apply(api::GM_CAN_ENCODE, &x, None).unwrap().shape(), [3, 2]);
    let threads = std::thread::spawn(|| Context::new(2).unwrap().model("gpt", "").is_ok());
    assert!(threads.join().unwrap());
}

fn main() {
    same(&std::env::args().nth(1).expect("a folder"));
    promises();
}
