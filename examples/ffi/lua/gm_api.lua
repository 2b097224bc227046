-- libgm's prototypes and constants for LuaJIT. Made from the public headers by UPDATE=1 sh tests/checks/api.sh: edit those, not this.
local api = { version = "0.1.0" }
api.cdef = [[
typedef struct gm_ctx gm_ctx;
typedef struct gm_dataset gm_dataset;
typedef struct gm_batches gm_batches;
typedef struct gm_model gm_model;
typedef struct gm_net gm_net;
typedef struct gm_optim gm_optim;
typedef struct gm_sampler gm_sampler;
typedef struct gm_tape gm_tape;
typedef struct gm_tensor gm_tensor;
typedef struct gm_tokenizer gm_tokenizer;
typedef struct gm_trainer gm_trainer;
typedef struct gm_bm_config gm_bm_config;
typedef struct gm_classifier_config gm_classifier_config;
typedef struct gm_ctx_config gm_ctx_config;
typedef struct gm_memory gm_memory;
typedef struct gm_custom_op gm_custom_op;
typedef struct gm_dbm_config gm_dbm_config;
typedef struct gm_dbn_config gm_dbn_config;
typedef struct gm_gan_config gm_gan_config;
typedef struct gm_gpt_config gm_gpt_config;
typedef struct gm_lapgan_config gm_lapgan_config;
typedef struct gm_metrics_config gm_metrics_config;
typedef struct gm_option gm_option;
typedef struct gm_measure gm_measure;
typedef struct gm_layer gm_layer;
typedef struct gm_ngram_config gm_ngram_config;
typedef struct gm_rbm_config gm_rbm_config;
typedef struct gm_rnn_config gm_rnn_config;
typedef struct gm_srgan_config gm_srgan_config;
typedef struct gm_event gm_event;
typedef struct gm_progress gm_progress;
typedef struct gm_transformer_config gm_transformer_config;
typedef struct gm_vae_config gm_vae_config;
typedef struct gm_ae_config gm_ae_config;
typedef gm_classifier_config gm_mlp_config;
typedef gm_classifier_config gm_cnn_config;
typedef int32_t gm_status;
typedef void *(*gm_alloc_fn)(void *user, size_t size);
typedef void (*gm_dealloc_fn)(void *user, void *ptr);
typedef void (*gm_log_fn)(int32_t level, const char *line, void *user);
typedef int32_t (*gm_infer_fn)(void *user, gm_tensor *const *in, int32_t n, int32_t *dtype, int32_t *ndim, int64_t *shape);
typedef int32_t (*gm_forward_fn)(void *user, gm_tensor *const *in, int32_t n, gm_tensor *out);
typedef int32_t (*gm_backward_fn)(void *user, gm_tensor *const *in, int32_t n, gm_tensor *out, gm_tensor *gout, gm_tensor *const *gin);
typedef int32_t (*gm_vjp_fn)(void *user, gm_tape *t, gm_tensor *const *in, int32_t n, gm_tensor *out, gm_tensor *gout, const int32_t *want, gm_tensor **gin);
typedef int (*gm_row_source)(uint64_t row, float *x, int64_t *label, void *user);
typedef int (*gm_text_fn)(const char *bytes, size_t n, void *user);
typedef int (*gm_logits_fn)(float *logits, int64_t n, void *user);
typedef gm_status (*gm_segment)(gm_tape *t, gm_tensor *const *in, int32_t n, gm_tensor **out, int32_t n_out, void *user);
typedef gm_tensor *(*gm_expression)(gm_tape *t, gm_tensor *const *inputs, int32_t n, void *user);
typedef void (*gm_deleter_fn)(void *data, void *user);
typedef int (*gm_progress_fn)(const gm_progress *p, void *user);
struct gm_bm_config { uint32_t struct_size; int32_t hidden; uint64_t seed; const char *shape; int32_t gradient; int32_t k; int32_t chains; int32_t start; int32_t binarize; int32_t burn_in; double init_std; };
struct gm_classifier_config { uint32_t struct_size; int32_t task; uint64_t seed; const char *shape; const char *hidden; const char *channels; const char *activation; const char *net; double dropout; double label_smoothing; int32_t norm; int32_t heads; int32_t scale; int32_t classes; int32_t targets; int32_t reserved; };
struct gm_ctx_config { uint32_t struct_size; int32_t threads; uint64_t max_bytes; int32_t precision; int32_t amx; int32_t blas_threads; int32_t debug; const char *cpu; gm_alloc_fn alloc; gm_dealloc_fn dealloc; void *alloc_user; gm_log_fn log; void *log_user; };
struct gm_memory { uint32_t struct_size; uint32_t reserved; uint64_t live_bytes; uint64_t peak_bytes; uint64_t allocations; };
struct gm_custom_op { size_t struct_size; const char *name; void *user; gm_infer_fn infer; gm_forward_fn forward; gm_backward_fn backward; gm_vjp_fn vjp; };
struct gm_dbm_config { uint32_t struct_size; int32_t units; uint64_t seed; const char *shape; const char *layers; const char *layer_epochs; int32_t pretrain; int32_t k; int32_t chains; int32_t mean_field; int32_t centered; int32_t start; int32_t binarize; int32_t scale; int32_t conditional; int32_t classes; int32_t burn_in; int32_t reserved; double tolerance; double offset_rate; double init_std; double pretrain_rate; };
struct gm_dbn_config { uint32_t struct_size; int32_t units; uint64_t seed; const char *shape; const char *layers; const char *layer_epochs; int32_t k; int32_t persistent; int32_t centered; int32_t start; int32_t transposed; int32_t binarize; int32_t scale; int32_t conditional; int32_t classes; int32_t burn_in; double offset_rate; double init_std; const char *layer_k; const char *layer_lr; int32_t layer_schedule; int32_t inputs; int32_t up_down; int32_t up_down_k; double up_down_lr; const char *layer_persistent; };
struct gm_gan_config { uint32_t struct_size; int32_t preset; uint64_t seed; const char *shape; const char *generator; const char *discriminator; const char *hidden; int32_t width; int32_t noise_dim; int32_t noise; int32_t loss; int32_t penalty; int32_t penalty_every; double penalty_weight; int32_t spectral; int32_t pack; double d_steps; double d_lr; const char *d_optimizer; double label_smoothing; double instance_noise; int64_t noise_steps; int32_t mbstd; int32_t conditional; int32_t embedding; int32_t classes; const char *codes; int32_t codes_uniform; int32_t scale; double info_weight; double class_weight; double truncation; int32_t unroll; const char *d_band; int32_t health; int32_t health_every; const char *remedies; int64_t gap_every; int32_t gap_steps; int32_t dense; };
struct gm_gpt_config { uint32_t struct_size; int32_t depth; int32_t heads; int32_t kv_heads; int32_t embd; int32_t block; int32_t hidden; int32_t activation; int32_t norm; int32_t post; int32_t positions; int32_t bias; int32_t tie; int32_t lines; double dropout; int32_t tokenizer; int32_t lower; int32_t unk; int32_t pattern; int64_t vocab; int64_t min_count; uint64_t seed; };
struct gm_lapgan_config { uint32_t struct_size; int32_t levels; uint64_t seed; const char *shape; const char *generator; const char *discriminator; const char *coarse_generator; const char *coarse_discriminator; int32_t width; int32_t level; int32_t noise_dim; int32_t noise; int32_t loss; int32_t penalty; double penalty_weight; int32_t penalty_every; int32_t spectral; double d_steps; double d_lr; const char *d_optimizer; double label_smoothing; int32_t conditional; int32_t classes; };
struct gm_metrics_config { uint32_t struct_size; int32_t k; int32_t kernel; int32_t degree; double bandwidth; int32_t judge; int32_t projections; int32_t power; int32_t reserved; uint64_t seed; };
struct gm_option { uint32_t struct_size; uint32_t reserved; const char *name; const char *type; const char *default_text; const char *help; double lo; double hi; };
struct gm_measure { char name[32]; double value; double error; char unit[32]; char note[128]; uint64_t rows; };
struct gm_layer { uint32_t struct_size; uint32_t reserved; const char *name; const char *help; char usage[160]; char settings[480]; };
struct gm_ngram_config { uint32_t struct_size; int32_t order; int32_t smoothing; int32_t tokenizer; double add; int64_t vocab; int64_t min_count; const char *prune; int32_t lower; int32_t unk; int32_t pattern; int32_t reserved; uint64_t seed; };
struct gm_rbm_config { uint32_t struct_size; int32_t hidden; uint64_t seed; const char *shape; int32_t units; int32_t k; int32_t persistent; int32_t chains; int32_t centered; int32_t start; int32_t binarize; int32_t classes; int32_t burn_in; int32_t scale; double offset_rate; double sparsity; double sparsity_cost; double init_std; int32_t conditional; int32_t group; int32_t length; int32_t gradient; int32_t tempering; int32_t missing; double fast_lr; double fast_decay; const char *levels; int32_t objective; int32_t reserved; double generative; };
struct gm_rnn_config { uint32_t struct_size; int32_t cell; int32_t hidden; int32_t depth; int32_t embd; int32_t block; double dropout; int32_t tie; int32_t tokenizer; int64_t vocab; int64_t min_count; int32_t lower; int32_t unk; int32_t pattern; int32_t lines; uint64_t seed; };
struct gm_srgan_config { uint32_t struct_size; int32_t factor; uint64_t seed; const char *shape; const char *generator; const char *discriminator; int32_t blocks; int32_t width; int32_t reduce; int32_t content; const char *features; const char *feature_net; double pretrain; double adversarial; int32_t loss; int32_t penalty; double penalty_weight; int32_t penalty_every; int32_t spectral; double d_steps; double d_lr; const char *d_optimizer; double label_smoothing; };
struct gm_event { uint32_t struct_size; int32_t kind; uint64_t step; double value; char text[160]; };
struct gm_progress { uint32_t struct_size; int32_t new_events; uint64_t epoch; uint64_t epochs; uint64_t step; uint64_t steps; double loss; double valid_loss; double lr; double grad_norm; double seconds; double rows_per_second; int32_t epoch_end; int32_t reserved; double epoch_loss; };
struct gm_transformer_config { uint32_t struct_size; int32_t kind; int32_t depth; int32_t heads; int32_t kv_heads; int32_t embd; int32_t block; int32_t hidden; int32_t activation; int32_t norm; int32_t post; int32_t positions; int32_t bias; int32_t tie; int32_t lines; double dropout; double masked; int32_t tokenizer; int32_t lower; int32_t unk; int32_t pattern; int64_t vocab; int64_t min_count; uint64_t seed; };
struct gm_vae_config { uint32_t struct_size; int32_t latent; uint64_t seed; const char *shape; const char *hidden; const char *activation; const char *encoder; const char *decoder; int32_t heads; int32_t likelihood; int32_t objective; int32_t k; int32_t binarize; int32_t classes; double beta; double free_bits; double noise_std; int64_t kl_warmup; int32_t scale; int32_t conditional; int32_t preset; int32_t code; int32_t categories; int32_t reserved; double temperature; double temperature_min; int64_t anneal; const char *channels; };
struct gm_ae_config { uint32_t struct_size; int32_t latent; uint64_t seed; const char *shape; const char *hidden; const char *activation; const char *encoder; const char *decoder; int32_t likelihood; int32_t tied; int32_t binarize; int32_t classes; double noise; double mask; int32_t heads; int32_t scale; int32_t conditional; int32_t preset; const char *channels; double sparsity; double rho; double l1; };
gm_tensor *gm_attention(gm_tape *t, gm_tensor *q, gm_tensor *k, gm_tensor *v, gm_tensor *mask, double scale, int32_t causal);
gm_tensor *gm_rope(gm_tape *t, gm_tensor *x, int64_t first, double base);
void gm_bm_config_init(gm_bm_config *c, size_t size);
gm_status gm_bm_new(gm_ctx *ctx, const gm_bm_config *c, gm_model **out);
gm_status gm_bm_energy(gm_model *m, gm_tensor *x, gm_tensor **out);
gm_status gm_bm_log_z(gm_model *m, const char *options, double *log_z);
gm_status gm_bm_log_prob(gm_model *m, gm_tensor *v, const char *options, gm_tensor **out);
gm_status gm_bm_gibbs(gm_model *m, gm_tensor *x, gm_tensor *clamp, const char *options, gm_tensor **out);
void gm_mlp_config_init(gm_mlp_config *c, size_t size);
gm_status gm_mlp_new(gm_ctx *ctx, const gm_mlp_config *c, gm_model **out);
void gm_cnn_config_init(gm_cnn_config *c, size_t size);
gm_status gm_cnn_new(gm_ctx *ctx, const gm_cnn_config *c, gm_model **out);
void gm_ctx_config_init(gm_ctx_config *c, size_t size);
gm_status gm_ctx_new(const gm_ctx_config *config, gm_ctx **out);
void gm_ctx_free(gm_ctx *ctx);
const char *gm_ctx_message(const gm_ctx *ctx);
void gm_ctx_cancel(gm_ctx *ctx);
int32_t gm_ctx_threads(const gm_ctx *ctx);
gm_status gm_ctx_set_threads(gm_ctx *ctx, int32_t threads);
const char *gm_ctx_cpu(const gm_ctx *ctx);
gm_status gm_ctx_memory(const gm_ctx *ctx, gm_memory *out);
gm_status gm_random_uniform(uint64_t seed, uint64_t stream, uint64_t first, size_t n, float *out);
gm_status gm_random_normal(uint64_t seed, uint64_t stream, uint64_t first, size_t n, float *out);
gm_status gm_random_permutation(uint64_t seed, uint64_t stream, size_t n, uint64_t *out);
void gm_custom_op_init(gm_custom_op *op, size_t size);
gm_tensor *gm_custom(gm_tape *t, const gm_custom_op *op, gm_tensor *const *inputs, int32_t n);
gm_status gm_dataset_open(gm_ctx *ctx, const char *spec, gm_dataset **out);
gm_status gm_dataset_from_tensors(gm_ctx *ctx, gm_tensor *x, gm_tensor *label, gm_dataset **out);
gm_status gm_dataset_add(gm_dataset *d, const char *name, gm_tensor *t);
gm_status gm_dataset_from_ragged(gm_ctx *ctx, gm_tensor *values, gm_tensor *offsets, gm_tensor *label, gm_dataset **out);
gm_status gm_dataset_from_callback(gm_ctx *ctx, uint64_t rows, int32_t ndim, const int64_t *shape, int64_t classes, gm_row_source fn, void *user, gm_dataset **out);
gm_status gm_dataset_range(gm_dataset *d, uint64_t first, uint64_t end, uint64_t stride, gm_dataset **out);
gm_status gm_dataset_split(gm_dataset *d, double fraction, uint64_t seed, gm_dataset **first, gm_dataset **second);
uint64_t gm_dataset_rows(const gm_dataset *d);
int32_t gm_dataset_columns(const gm_dataset *d);
const char *gm_dataset_column_name(const gm_dataset *d, int32_t i);
int32_t gm_dataset_shape(const gm_dataset *d, const char *column, int64_t shape[8]);
int32_t gm_dataset_dtype(const gm_dataset *d, const char *column);
int64_t gm_dataset_classes(const gm_dataset *d);
const char *gm_dataset_class_name(const gm_dataset *d, int64_t k);
gm_status gm_dataset_read(gm_dataset *d, const char *column, uint64_t first, uint64_t n, gm_tensor **out);
void gm_dataset_free(gm_dataset *d);
gm_status gm_batches_new(gm_dataset *d, const char *options, gm_batches **out);
gm_status gm_batches_next(gm_batches *b, gm_tensor **x);
gm_tensor *gm_batches_column(gm_batches *b, const char *name);
const uint64_t *gm_batches_rows(gm_batches *b, size_t *n);
uint64_t gm_batches_epoch(const gm_batches *b);
uint64_t gm_batches_position(const gm_batches *b);
gm_status gm_batches_seek(gm_batches *b, uint64_t epoch, uint64_t position);
void gm_batches_free(gm_batches *b);
void gm_dbm_config_init(gm_dbm_config *c, size_t size);
gm_status gm_dbm_new(gm_ctx *ctx, const gm_dbm_config *c, gm_model **out);
gm_status gm_dbm_log_z(gm_model *m, gm_tensor *data, const char *options, double *log_z, double *error);
gm_status gm_dbm_gibbs(gm_model *m, gm_tensor *v, gm_tensor *clamp, const char *options, gm_tensor **out);
void gm_dbn_config_init(gm_dbn_config *c, size_t size);
gm_status gm_dbn_new(gm_ctx *ctx, const gm_dbn_config *c, gm_model **out);
gm_status gm_dbn_unroll(gm_model *m, const char *options, gm_model **out);
gm_status gm_dbn_autoencoder(gm_model *m, const char *options, gm_model **out);
gm_status gm_npy_read(gm_ctx *ctx, const char *path, gm_tensor **out);
gm_status gm_npy_write(const gm_tensor *t, const char *path);
gm_status gm_npz_read(gm_ctx *ctx, const char *path, const char *key, gm_tensor **out);
gm_status gm_npz_write(gm_ctx *ctx, const char *path, int32_t n, const char *const *names, gm_tensor *const *tensors, int32_t compress);
gm_status gm_safetensors_read(gm_ctx *ctx, const char *path, int32_t *n, char ***names, gm_tensor ***tensors);
gm_status gm_safetensors_write(gm_ctx *ctx, const char *path, int32_t n, const char *const *names, gm_tensor *const *tensors);
void gm_tensors_free(gm_ctx *ctx, int32_t n, char **names, gm_tensor **tensors);
gm_status gm_png_write(const gm_tensor *images, int32_t columns, const char *path);
void gm_gan_config_init(gm_gan_config *c, size_t size);
gm_status gm_gan_new(gm_ctx *ctx, const gm_gan_config *c, gm_model **out);
gm_status gm_gan_discriminate(gm_model *m, gm_tensor *x, gm_tensor *cond, gm_tensor **out);
gm_status gm_gan_noise(gm_model *m, int64_t n, uint64_t seed, double truncation, gm_tensor **out);
gm_status gm_gan_path(gm_ctx *ctx, gm_tensor *a, gm_tensor *b, int32_t steps, int32_t spherical, gm_tensor **out);
gm_status gm_gan_export_generator(gm_model *m, const char *path);
gm_status gm_gan_d_step(gm_trainer *tr, double *loss);
gm_status gm_gan_g_step(gm_trainer *tr, double *loss);
gm_tensor *gm_gan_d_loss(gm_tape *t, int32_t loss, gm_tensor *real, gm_tensor *fake, double smoothing);
gm_tensor *gm_gan_g_loss(gm_tape *t, int32_t loss, gm_tensor *real, gm_tensor *fake);
void gm_gpt_config_init(gm_gpt_config *c, size_t size);
gm_status gm_gpt_new(gm_ctx *ctx, const gm_gpt_config *c, gm_model **out);
gm_status gm_gpt_logits(gm_model *m, gm_tensor *tokens, gm_tensor **out);
gm_status gm_gpt_load_hf(gm_ctx *ctx, const char *folder, gm_model **out);
gm_status gm_gpt_save_hf(gm_model *m, const char *folder);
gm_tensor *gm_conv2d(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b, const int64_t stride[2], const int64_t pad[2], const int64_t dilation[2], int64_t groups);
gm_tensor *gm_conv1d(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b, int64_t stride, int64_t pad, int64_t dilation, int64_t groups);
gm_tensor *gm_conv_transpose2d(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b, const int64_t stride[2], const int64_t pad[2], const int64_t output_pad[2], const int64_t dilation[2], int64_t groups);
gm_tensor *gm_conv_transpose1d(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b, int64_t stride, int64_t pad, int64_t output_pad, int64_t dilation, int64_t groups);
gm_tensor *gm_upsample_conv2d(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b, int64_t pad);
gm_tensor *gm_max_pool2d(gm_tape *t, gm_tensor *x, const int64_t k[2], const int64_t stride[2], const int64_t pad[2]);
gm_tensor *gm_max_pool1d(gm_tape *t, gm_tensor *x, int64_t k, int64_t stride, int64_t pad);
gm_tensor *gm_avg_pool2d(gm_tape *t, gm_tensor *x, const int64_t k[2], const int64_t stride[2], const int64_t pad[2], int32_t count_pad);
gm_tensor *gm_avg_pool1d(gm_tape *t, gm_tensor *x, int64_t k, int64_t stride, int64_t pad, int32_t count_pad);
gm_tensor *gm_adaptive_avg_pool2d(gm_tape *t, gm_tensor *x, int64_t oh, int64_t ow);
gm_tensor *gm_adaptive_max_pool2d(gm_tape *t, gm_tensor *x, int64_t oh, int64_t ow);
gm_tensor *gm_global_avg_pool(gm_tape *t, gm_tensor *x);
gm_tensor *gm_upsample2d(gm_tape *t, gm_tensor *x, int64_t oh, int64_t ow, int32_t mode);
gm_tensor *gm_upsample1d(gm_tape *t, gm_tensor *x, int64_t l, int32_t mode);
gm_tensor *gm_upsample_nearest(gm_tape *t, gm_tensor *x, int64_t factor);
gm_tensor *gm_pyramid_down(gm_tape *t, gm_tensor *x);
gm_tensor *gm_pyramid_up(gm_tape *t, gm_tensor *x, int64_t oh, int64_t ow);
gm_tensor *gm_laplacian_split(gm_tape *t, gm_tensor *x, gm_tensor **coarse);
gm_tensor *gm_laplacian_join(gm_tape *t, gm_tensor *coarse, gm_tensor *band);
gm_tensor *gm_pixel_shuffle(gm_tape *t, gm_tensor *x, int64_t r);
gm_tensor *gm_pixel_unshuffle(gm_tape *t, gm_tensor *x, int64_t r);
gm_tensor *gm_instance_norm(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b, double eps);
gm_tensor *gm_group_norm(gm_tape *t, gm_tensor *x, int64_t groups, gm_tensor *w, gm_tensor *b, double eps);
gm_tensor *gm_rms_norm(gm_tape *t, gm_tensor *x, gm_tensor *w, double eps);
gm_tensor *gm_psnr(gm_tape *t, gm_tensor *x, gm_tensor *y, double range);
gm_tensor *gm_ssim(gm_tape *t, gm_tensor *x, gm_tensor *y, double range);
void gm_lapgan_config_init(gm_lapgan_config *c, size_t size);
gm_status gm_lapgan_new(gm_ctx *ctx, const gm_lapgan_config *c, gm_model **out);
int32_t gm_lapgan_levels(const gm_model *m);
gm_status gm_lapgan_set_level(gm_model *m, int32_t level);
gm_status gm_lapgan_sample_level(gm_model *m, int32_t level, int64_t n, uint64_t seed, gm_tensor *cond, gm_tensor **out);
gm_tensor *gm_cholesky(gm_tape *t, gm_tensor *a);
gm_tensor *gm_logdet(gm_tape *t, gm_tensor *a);
gm_tensor *gm_solve_triangular(gm_tape *t, gm_tensor *a, gm_tensor *b, int32_t upper, int32_t transposed, int32_t unit);
gm_tensor *gm_solve(gm_tape *t, gm_tensor *a, gm_tensor *b);
gm_tensor *gm_inverse(gm_tape *t, gm_tensor *a);
gm_tensor *gm_det(gm_tape *t, gm_tensor *a);
gm_tensor *gm_slogdet(gm_tape *t, gm_tensor *a, gm_tensor **sign);
gm_tensor *gm_eigh(gm_tape *t, gm_tensor *a, gm_tensor **vectors);
gm_tensor *gm_svd(gm_tape *t, gm_tensor *a, gm_tensor **u, gm_tensor **vt);
gm_tensor *gm_qr(gm_tape *t, gm_tensor *a, gm_tensor **r);
gm_tokenizer *gm_lm_tokenizer(const gm_model *m);
gm_status gm_lm_set_tokenizer(gm_model *m, gm_tokenizer *tk);
int64_t gm_lm_context(const gm_model *m);
int64_t gm_lm_end(const gm_model *m);
gm_status gm_lm_next(gm_model *m, gm_tensor *tokens, gm_tensor **out);
gm_status gm_lm_log_prob(gm_model *m, gm_tensor *tokens, gm_tensor **out);
gm_status gm_sampler_prompt(gm_sampler *s, const void *text, size_t n);
gm_status gm_sampler_next(gm_sampler *s, int64_t *token);
gm_status gm_sampler_write(gm_sampler *s, int64_t tokens, gm_text_fn fn, void *user, int64_t *done);
gm_status gm_sampler_reset(gm_sampler *s);
gm_status gm_sampler_bias(gm_sampler *s, int64_t token, double bias);
gm_status gm_sampler_filter(gm_sampler *s, gm_logits_fn fn, void *user);
gm_status gm_lm_beam(gm_model *m, gm_tensor *prompt, const char *options, gm_tensor **out, gm_tensor **scores);
void gm_metrics_config_init(gm_metrics_config *c, size_t size);
gm_status gm_neighbours(gm_ctx *ctx, gm_tensor *rows, gm_tensor *queries, int32_t k, gm_tensor **distance, gm_tensor **index);
gm_status gm_prdc(gm_ctx *ctx, gm_tensor *data, gm_tensor *samples, const gm_metrics_config *c, double value[4], double error[4]);
gm_status gm_nearest(gm_ctx *ctx, gm_tensor *train, gm_tensor *fresh, gm_tensor *samples, double *closer, double *error, double *copied);
gm_status gm_c2st(gm_ctx *ctx, gm_tensor *data, gm_tensor *samples, const gm_metrics_config *c, double *value, double *error);
gm_status gm_frechet(gm_ctx *ctx, gm_tensor *data, gm_tensor *samples, double *value);
gm_status gm_mmd(gm_ctx *ctx, gm_tensor *data, gm_tensor *samples, const gm_metrics_config *c, double *value, double *error);
gm_status gm_sliced_wasserstein(gm_ctx *ctx, gm_tensor *data, gm_tensor *samples, const gm_metrics_config *c, double *value, double *error);
gm_status gm_wasserstein(gm_ctx *ctx, gm_tensor *data, gm_tensor *samples, const gm_metrics_config *c, double *value);
gm_status gm_modes(gm_ctx *ctx, gm_tensor *samples, gm_tensor *centres, double sigma, double value[3]);
gm_status gm_effective_samples(gm_ctx *ctx, const gm_tensor *trace, double *ess, double *r_hat);
int32_t gm_family_count(void);
const char *gm_family_name(int32_t i);
const char *gm_family_title(const char *family);
const char *gm_family_training(const char *family);
uint32_t gm_family_can(const char *family);
gm_status gm_option_at(const char *owner, int32_t i, gm_option *out);
gm_status gm_model_new(gm_ctx *ctx, const char *family, const char *options, gm_model **out);
void gm_model_free(gm_model *m);
gm_status gm_model_copy(gm_model *m, gm_model **out);
gm_status gm_model_save(gm_model *m, const char *path);
gm_status gm_model_load(gm_ctx *ctx, const char *path, gm_model **out);
gm_status gm_model_load_mapped(gm_ctx *ctx, const char *path, gm_model **out);
gm_status gm_model_load_weights(gm_model *m, const char *path);
const char *gm_model_family(const gm_model *m);
uint32_t gm_model_can(const gm_model *m);
const char *gm_model_config(gm_model *m);
size_t gm_model_print(gm_model *m, char *out, size_t cap);
int32_t gm_model_shape(const gm_model *m, int64_t shape[8]);
int64_t gm_model_parameters(const gm_model *m);
int32_t gm_model_tensor_count(const gm_model *m);
const char *gm_model_tensor_name(const gm_model *m, int32_t i);
gm_tensor *gm_model_tensor(const gm_model *m, int32_t i);
gm_status gm_fit(gm_model *m, gm_dataset *data, const char *options);
gm_status gm_sample(gm_model *m, int64_t n, uint64_t seed, gm_tensor **out);
gm_status gm_sample_png(gm_model *m, int64_t n, uint64_t seed, const char *path);
gm_status gm_log_prob(gm_model *m, gm_tensor *x, const char *options, gm_tensor **out, int32_t *kind);
gm_status gm_score(gm_model *m, gm_tensor *x, gm_tensor **out);
gm_status gm_encode(gm_model *m, gm_tensor *x, gm_tensor **out);
int32_t gm_model_layers(const gm_model *m);
gm_status gm_encode_layer(gm_model *m, gm_tensor *x, gm_tensor *cond, int32_t layer, gm_tensor **out);
gm_status gm_decode(gm_model *m, gm_tensor *z, gm_tensor **out);
gm_status gm_reconstruct(gm_model *m, gm_tensor *x, gm_tensor **out);
gm_status gm_predict(gm_model *m, gm_tensor *x, gm_tensor **out);
gm_status gm_model_apply(gm_model *m, uint32_t verb, gm_tensor *x, gm_tensor *cond, gm_tensor **out);
gm_status gm_interpolate(gm_model *m, gm_tensor *a, gm_tensor *b, int32_t steps, gm_tensor **out);
gm_status gm_complete(gm_model *m, gm_tensor *x, gm_tensor *known, gm_tensor *cond, const char *options, gm_tensor **out);
gm_status gm_traverse(gm_model *m, gm_tensor *z, int32_t steps, double span, gm_tensor *cond, gm_tensor **out);
gm_status gm_eval(gm_model *m, gm_dataset *data, const char *options, gm_measure *out, int32_t cap, int32_t *n);
gm_status gm_net_new(gm_ctx *ctx, const char *text, int32_t ndim, const int64_t *shape, uint64_t seed, gm_net **out);
gm_status gm_net_new_cond(gm_ctx *ctx, const char *text, int32_t ndim, const int64_t *shape, int64_t cond_size, uint64_t seed, gm_net **out);
gm_status gm_net_add(gm_net *net, const char *layers);
void gm_net_free(gm_net *net);
gm_tensor *gm_net_apply(gm_net *net, gm_tape *t, gm_tensor *x, gm_tensor *cond);
gm_status gm_net_copy(const gm_net *net, gm_net **out);
gm_status gm_net_freeze(gm_net *net, int32_t on);
gm_status gm_layer_at(int32_t i, gm_layer *out);
int32_t gm_net_output_shape(const gm_net *net, int64_t shape[8]);
int32_t gm_net_tensor_count(const gm_net *net);
gm_tensor *gm_net_tensor(const gm_net *net, int32_t i);
const char *gm_net_tensor_name(const gm_net *net, int32_t i);
int32_t gm_net_tensor_is_parameter(const gm_net *net, int32_t i);
int64_t gm_net_parameters(const gm_net *net);
const char *gm_net_text(const gm_net *net);
size_t gm_net_print(const gm_net *net, char *out, size_t cap);
void gm_ngram_config_init(gm_ngram_config *c, size_t size);
gm_status gm_ngram_new(gm_ctx *ctx, const gm_ngram_config *c, gm_model **out);
gm_status gm_ngram_read_arpa(gm_ctx *ctx, const char *path, gm_model **out);
gm_status gm_ngram_write_arpa(gm_model *m, const char *path);
gm_tensor *gm_zeros(gm_tape *t, int32_t dtype, int32_t ndim, const int64_t *shape);
gm_tensor *gm_full(gm_tape *t, int32_t dtype, int32_t ndim, const int64_t *shape, double v);
gm_tensor *gm_arange(gm_tape *t, int32_t dtype, double start, double stop, double step);
gm_tensor *gm_linspace(gm_tape *t, int32_t dtype, double first, double last, int64_t n);
gm_tensor *gm_eye(gm_tape *t, int32_t dtype, int64_t rows, int64_t cols);
gm_tensor *gm_one_hot(gm_tape *t, gm_tensor *label, int64_t classes, int32_t dtype);
gm_tensor *gm_cast(gm_tape *t, gm_tensor *x, int32_t dtype);
gm_tensor *gm_detach(gm_tape *t, gm_tensor *x);
gm_tensor *gm_uniform(gm_tape *t, int32_t ndim, const int64_t *shape, double lo, double hi);
gm_tensor *gm_normal(gm_tape *t, int32_t ndim, const int64_t *shape, double mean, double stddev);
gm_tensor *gm_bernoulli(gm_tape *t, gm_tensor *p);
gm_tensor *gm_bernoulli_logits(gm_tape *t, gm_tensor *x);
gm_tensor *gm_categorical(gm_tape *t, gm_tensor *logits);
gm_tensor *gm_dropout(gm_tape *t, gm_tensor *x, double p);
gm_tensor *gm_neg(gm_tape *t, gm_tensor *x);
gm_tensor *gm_abs(gm_tape *t, gm_tensor *x);
gm_tensor *gm_exp(gm_tape *t, gm_tensor *x);
gm_tensor *gm_log(gm_tape *t, gm_tensor *x);
gm_tensor *gm_sqrt(gm_tape *t, gm_tensor *x);
gm_tensor *gm_square(gm_tape *t, gm_tensor *x);
gm_tensor *gm_reciprocal(gm_tape *t, gm_tensor *x);
gm_tensor *gm_sin(gm_tape *t, gm_tensor *x);
gm_tensor *gm_cos(gm_tape *t, gm_tensor *x);
gm_tensor *gm_tanh(gm_tape *t, gm_tensor *x);
gm_tensor *gm_sigmoid(gm_tape *t, gm_tensor *x);
gm_tensor *gm_relu(gm_tape *t, gm_tensor *x);
gm_tensor *gm_leaky_relu(gm_tape *t, gm_tensor *x, double slope);
gm_tensor *gm_elu(gm_tape *t, gm_tensor *x, double alpha);
gm_tensor *gm_softplus(gm_tape *t, gm_tensor *x);
gm_tensor *gm_gelu(gm_tape *t, gm_tensor *x);
gm_tensor *gm_silu(gm_tape *t, gm_tensor *x);
gm_tensor *gm_clamp(gm_tape *t, gm_tensor *x, double lo, double hi);
gm_tensor *gm_affine(gm_tape *t, gm_tensor *x, double a, double b);
gm_tensor *gm_add(gm_tape *t, gm_tensor *x, gm_tensor *y);
gm_tensor *gm_sub(gm_tape *t, gm_tensor *x, gm_tensor *y);
gm_tensor *gm_mul(gm_tape *t, gm_tensor *x, gm_tensor *y);
gm_tensor *gm_div(gm_tape *t, gm_tensor *x, gm_tensor *y);
gm_tensor *gm_pow(gm_tape *t, gm_tensor *x, gm_tensor *y);
gm_tensor *gm_maximum(gm_tape *t, gm_tensor *x, gm_tensor *y);
gm_tensor *gm_minimum(gm_tape *t, gm_tensor *x, gm_tensor *y);
gm_tensor *gm_eq(gm_tape *t, gm_tensor *x, gm_tensor *y);
gm_tensor *gm_ne(gm_tape *t, gm_tensor *x, gm_tensor *y);
gm_tensor *gm_lt(gm_tape *t, gm_tensor *x, gm_tensor *y);
gm_tensor *gm_le(gm_tape *t, gm_tensor *x, gm_tensor *y);
gm_tensor *gm_gt(gm_tape *t, gm_tensor *x, gm_tensor *y);
gm_tensor *gm_ge(gm_tape *t, gm_tensor *x, gm_tensor *y);
gm_tensor *gm_where(gm_tape *t, gm_tensor *c, gm_tensor *x, gm_tensor *y);
gm_tensor *gm_sum(gm_tape *t, gm_tensor *x, int32_t axis, int32_t keep);
gm_tensor *gm_mean(gm_tape *t, gm_tensor *x, int32_t axis, int32_t keep);
gm_tensor *gm_max(gm_tape *t, gm_tensor *x, int32_t axis, int32_t keep);
gm_tensor *gm_min(gm_tape *t, gm_tensor *x, int32_t axis, int32_t keep);
gm_tensor *gm_logsumexp(gm_tape *t, gm_tensor *x, int32_t axis, int32_t keep);
gm_tensor *gm_argmax(gm_tape *t, gm_tensor *x, int32_t axis, int32_t keep);
gm_tensor *gm_matmul(gm_tape *t, gm_tensor *x, gm_tensor *y);
gm_tensor *gm_linear(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b);
gm_tensor *gm_linear_act(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b, int32_t act, double slope);
gm_tensor *gm_reshape(gm_tape *t, gm_tensor *x, int32_t ndim, const int64_t *shape);
gm_tensor *gm_permute(gm_tape *t, gm_tensor *x, const int32_t *axes);
gm_tensor *gm_transpose(gm_tape *t, gm_tensor *x, int32_t axis_a, int32_t axis_b);
gm_tensor *gm_slice(gm_tape *t, gm_tensor *x, int32_t axis, int64_t start, int64_t stop, int64_t step);
gm_tensor *gm_expand(gm_tape *t, gm_tensor *x, int32_t ndim, const int64_t *shape);
gm_tensor *gm_concat(gm_tape *t, gm_tensor *const *xs, int32_t n, int32_t axis);
gm_tensor *gm_stack(gm_tape *t, gm_tensor *const *xs, int32_t n, int32_t axis);
gm_tensor *gm_embedding(gm_tape *t, gm_tensor *table, gm_tensor *index);
gm_tensor *gm_gather(gm_tape *t, gm_tensor *x, int32_t axis, gm_tensor *index);
gm_tensor *gm_index_select(gm_tape *t, gm_tensor *x, int32_t axis, gm_tensor *index);
gm_tensor *gm_index_add(gm_tape *t, gm_tensor *x, int32_t axis, gm_tensor *index, gm_tensor *src);
gm_tensor *gm_pad(gm_tape *t, gm_tensor *x, const int64_t *before, const int64_t *after, int32_t mode, double value);
gm_tensor *gm_scatter(gm_tape *t, gm_tensor *x, int32_t axis, gm_tensor *index, gm_tensor *src);
gm_tensor *gm_scatter_add(gm_tape *t, gm_tensor *x, int32_t axis, gm_tensor *index, gm_tensor *src);
gm_tensor *gm_nonzero(gm_tape *t, gm_tensor *mask);
gm_tensor *gm_masked_select(gm_tape *t, gm_tensor *x, gm_tensor *mask);
gm_tensor *gm_squeeze(gm_tape *t, gm_tensor *x, int32_t axis);
gm_tensor *gm_unsqueeze(gm_tape *t, gm_tensor *x, int32_t axis);
gm_tensor *gm_flatten(gm_tape *t, gm_tensor *x, int32_t first, int32_t last);
gm_tensor *gm_movedim(gm_tape *t, gm_tensor *x, int32_t from, int32_t to);
gm_status gm_split(gm_tape *t, gm_tensor *x, int32_t axis, int32_t n, const int64_t *sizes, gm_tensor **out);
gm_status gm_chunk(gm_tape *t, gm_tensor *x, int32_t axis, int32_t n, gm_tensor **out);
gm_status gm_unstack(gm_tape *t, gm_tensor *x, int32_t axis, int32_t n, gm_tensor **out);
gm_tensor *gm_repeat(gm_tape *t, gm_tensor *x, const int64_t *times);
gm_tensor *gm_repeat_interleave(gm_tape *t, gm_tensor *x, int64_t n, int32_t axis);
gm_tensor *gm_flip(gm_tape *t, gm_tensor *x, int32_t n, const int32_t *axes);
gm_tensor *gm_roll(gm_tape *t, gm_tensor *x, int64_t shift, int32_t axis);
gm_tensor *gm_tril(gm_tape *t, gm_tensor *x, int64_t diagonal);
gm_tensor *gm_triu(gm_tape *t, gm_tensor *x, int64_t diagonal);
gm_tensor *gm_diag(gm_tape *t, gm_tensor *x, int64_t offset);
gm_tensor *gm_diagonal(gm_tape *t, gm_tensor *x, int64_t offset);
gm_tensor *gm_trace(gm_tape *t, gm_tensor *x);
gm_tensor *gm_outer(gm_tape *t, gm_tensor *x, gm_tensor *y);
gm_tensor *gm_dot(gm_tape *t, gm_tensor *x, gm_tensor *y);
gm_tensor *gm_sort(gm_tape *t, gm_tensor *x, int32_t axis, int32_t descending, gm_tensor **indices);
gm_tensor *gm_argsort(gm_tape *t, gm_tensor *x, int32_t axis, int32_t descending);
gm_tensor *gm_topk(gm_tape *t, gm_tensor *x, int64_t k, int32_t axis, int32_t largest, gm_tensor **indices);
gm_tensor *gm_softmax(gm_tape *t, gm_tensor *x, int32_t axis);
gm_tensor *gm_log_softmax(gm_tape *t, gm_tensor *x, int32_t axis);
gm_tensor *gm_layer_norm(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b, double eps);
gm_tensor *gm_batch_norm(gm_tape *t, gm_tensor *x, gm_tensor *w, gm_tensor *b, gm_tensor *mean, gm_tensor *var, double eps);
gm_tensor *gm_mse(gm_tape *t, gm_tensor *x, gm_tensor *y, int32_t reduce);
gm_tensor *gm_bce_with_logits(gm_tape *t, gm_tensor *x, gm_tensor *y, int32_t reduce);
gm_tensor *gm_bce(gm_tape *t, gm_tensor *p, gm_tensor *y, int32_t reduce);
gm_tensor *gm_cross_entropy(gm_tape *t, gm_tensor *x, gm_tensor *label, int32_t reduce);
gm_tensor *gm_gaussian_log_prob(gm_tape *t, gm_tensor *x, gm_tensor *mean, gm_tensor *log_var);
gm_tensor *gm_bernoulli_log_prob(gm_tape *t, gm_tensor *x, gm_tensor *logits);
gm_tensor *gm_gaussian_kl(gm_tape *t, gm_tensor *mean, gm_tensor *log_var);
gm_tensor *gm_gaussian_draw(gm_tape *t, gm_tensor *mean, gm_tensor *log_var);
gm_tensor *gm_sign(gm_tape *t, gm_tensor *x);
gm_tensor *gm_floor(gm_tape *t, gm_tensor *x);
gm_tensor *gm_ceil(gm_tape *t, gm_tensor *x);
gm_tensor *gm_round(gm_tape *t, gm_tensor *x);
gm_tensor *gm_trunc(gm_tape *t, gm_tensor *x);
gm_tensor *gm_isnan(gm_tape *t, gm_tensor *x);
gm_tensor *gm_isinf(gm_tape *t, gm_tensor *x);
gm_tensor *gm_isfinite(gm_tape *t, gm_tensor *x);
gm_tensor *gm_rsqrt(gm_tape *t, gm_tensor *x);
gm_tensor *gm_expm1(gm_tape *t, gm_tensor *x);
gm_tensor *gm_log1p(gm_tape *t, gm_tensor *x);
gm_tensor *gm_tan(gm_tape *t, gm_tensor *x);
gm_tensor *gm_asin(gm_tape *t, gm_tensor *x);
gm_tensor *gm_acos(gm_tape *t, gm_tensor *x);
gm_tensor *gm_atan(gm_tape *t, gm_tensor *x);
gm_tensor *gm_sinh(gm_tape *t, gm_tensor *x);
gm_tensor *gm_cosh(gm_tape *t, gm_tensor *x);
gm_tensor *gm_asinh(gm_tape *t, gm_tensor *x);
gm_tensor *gm_acosh(gm_tape *t, gm_tensor *x);
gm_tensor *gm_atanh(gm_tape *t, gm_tensor *x);
gm_tensor *gm_erf(gm_tape *t, gm_tensor *x);
gm_tensor *gm_erfinv(gm_tape *t, gm_tensor *x);
gm_tensor *gm_lgamma(gm_tape *t, gm_tensor *x);
gm_tensor *gm_digamma(gm_tape *t, gm_tensor *x);
gm_tensor *gm_logit(gm_tape *t, gm_tensor *x);
gm_tensor *gm_log_sigmoid(gm_tape *t, gm_tensor *x);
gm_tensor *gm_mish(gm_tape *t, gm_tensor *x);
gm_tensor *gm_hardsigmoid(gm_tape *t, gm_tensor *x);
gm_tensor *gm_hardswish(gm_tape *t, gm_tensor *x);
gm_tensor *gm_gelu_tanh(gm_tape *t, gm_tensor *x);
gm_tensor *gm_selu(gm_tape *t, gm_tensor *x);
gm_tensor *gm_celu(gm_tape *t, gm_tensor *x, double alpha);
gm_tensor *gm_softsign(gm_tape *t, gm_tensor *x);
gm_tensor *gm_prelu(gm_tape *t, gm_tensor *x, gm_tensor *slope);
gm_tensor *gm_atan2(gm_tape *t, gm_tensor *y, gm_tensor *x);
gm_tensor *gm_fmod(gm_tape *t, gm_tensor *x, gm_tensor *y);
gm_tensor *gm_remainder(gm_tape *t, gm_tensor *x, gm_tensor *y);
gm_tensor *gm_lerp(gm_tape *t, gm_tensor *x, gm_tensor *y, gm_tensor *w);
gm_tensor *gm_masked_fill(gm_tape *t, gm_tensor *x, gm_tensor *mask, double v);
gm_tensor *gm_logical_not(gm_tape *t, gm_tensor *x);
gm_tensor *gm_logical_and(gm_tape *t, gm_tensor *x, gm_tensor *y);
gm_tensor *gm_logical_or(gm_tape *t, gm_tensor *x, gm_tensor *y);
gm_tensor *gm_logical_xor(gm_tape *t, gm_tensor *x, gm_tensor *y);
gm_tensor *gm_elman(gm_tape *t, gm_tensor *x, gm_tensor *h0, gm_tensor *w_ih, gm_tensor *w_hh, gm_tensor *b_ih, gm_tensor *b_hh, gm_tensor **last);
gm_tensor *gm_gru(gm_tape *t, gm_tensor *x, gm_tensor *h0, gm_tensor *w_ih, gm_tensor *w_hh, gm_tensor *b_ih, gm_tensor *b_hh, gm_tensor **last);
gm_tensor *gm_lstm(gm_tape *t, gm_tensor *x, gm_tensor *h0, gm_tensor *c0, gm_tensor *w_ih, gm_tensor *w_hh, gm_tensor *b_ih, gm_tensor *b_hh, gm_tensor **last, gm_tensor **memory);
gm_tensor *gm_var(gm_tape *t, gm_tensor *x, int32_t axis, double correction, int32_t keep);
gm_tensor *gm_std(gm_tape *t, gm_tensor *x, int32_t axis, double correction, int32_t keep);
gm_tensor *gm_prod(gm_tape *t, gm_tensor *x, int32_t axis, int32_t keep);
gm_tensor *gm_argmin(gm_tape *t, gm_tensor *x, int32_t axis, int32_t keep);
gm_tensor *gm_any(gm_tape *t, gm_tensor *x, int32_t axis, int32_t keep);
gm_tensor *gm_all(gm_tape *t, gm_tensor *x, int32_t axis, int32_t keep);
gm_tensor *gm_norm(gm_tape *t, gm_tensor *x, double p, int32_t axis, int32_t keep);
gm_tensor *gm_cumsum(gm_tape *t, gm_tensor *x, int32_t axis);
gm_tensor *gm_sum_axes(gm_tape *t, gm_tensor *x, int32_t n, const int32_t *axes, int32_t keep);
gm_tensor *gm_l1(gm_tape *t, gm_tensor *x, gm_tensor *y, int32_t reduce);
gm_tensor *gm_huber(gm_tape *t, gm_tensor *x, gm_tensor *y, double delta, int32_t reduce);
gm_tensor *gm_hinge(gm_tape *t, gm_tensor *x, gm_tensor *y, double margin, int32_t reduce);
gm_tensor *gm_kl_div(gm_tape *t, gm_tensor *x, gm_tensor *y, int32_t reduce);
gm_tensor *gm_nll(gm_tape *t, gm_tensor *x, gm_tensor *label, int32_t reduce);
gm_tensor *gm_cross_entropy_smooth(gm_tape *t, gm_tensor *x, gm_tensor *label, gm_tensor *weight, double smoothing, int32_t reduce);
gm_tensor *gm_soft_cross_entropy(gm_tape *t, gm_tensor *x, gm_tensor *p, int32_t reduce);
gm_tensor *gm_bce_with_logits_weighted(gm_tape *t, gm_tensor *x, gm_tensor *y, gm_tensor *pos_weight, double smoothing, int32_t reduce);
gm_tensor *gm_poisson_nll(gm_tape *t, gm_tensor *log_rate, gm_tensor *y, int32_t reduce);
gm_tensor *gm_gaussian_nll(gm_tape *t, gm_tensor *x, gm_tensor *mean, gm_tensor *var, double eps, int32_t reduce);
gm_tensor *gm_cosine_similarity(gm_tape *t, gm_tensor *x, gm_tensor *y, int32_t axis, double eps);
gm_tensor *gm_gumbel(gm_tape *t, int32_t ndim, const int64_t *shape);
gm_tensor *gm_gumbel_softmax(gm_tape *t, gm_tensor *logits, double tau, int32_t hard);
gm_tensor *gm_exponential(gm_tape *t, int32_t ndim, const int64_t *shape, double rate);
gm_tensor *gm_gamma(gm_tape *t, gm_tensor *alpha);
gm_tensor *gm_beta(gm_tape *t, gm_tensor *a, gm_tensor *b);
gm_tensor *gm_dirichlet(gm_tape *t, gm_tensor *alpha);
gm_tensor *gm_poisson(gm_tape *t, gm_tensor *rate);
gm_tensor *gm_truncated_normal(gm_tape *t, int32_t ndim, const int64_t *shape, double mean, double stddev, double lo, double hi);
gm_tensor *gm_randperm(gm_tape *t, int64_t n);
gm_status gm_optim_new(gm_ctx *ctx, const char *kind, const char *options, gm_optim **out);
gm_status gm_optim_add(gm_optim *o, gm_tensor *leaf, const char *options);
gm_status gm_optim_add_net(gm_optim *o, gm_net *net, const char *options);
gm_status gm_optim_groups(gm_optim *o, const char *groups);
gm_status gm_optim_step(gm_optim *o);
gm_status gm_optim_extrapolate(gm_optim *o);
gm_status gm_optim_observe(gm_optim *o, double loss);
void gm_optim_clear(gm_optim *o);
int64_t gm_optim_steps(const gm_optim *o);
double gm_optim_lr(const gm_optim *o);
double gm_optim_grad_norm(const gm_optim *o);
gm_status gm_optim_swap_ema(gm_optim *o);
void gm_optim_free(gm_optim *o);
void gm_rbm_config_init(gm_rbm_config *c, size_t size);
gm_status gm_rbm_new(gm_ctx *ctx, const gm_rbm_config *c, gm_model **out);
gm_status gm_rbm_free_energy(gm_model *m, gm_tensor *v, gm_tensor **out);
gm_status gm_rbm_log_z(gm_model *m, gm_tensor *data, const char *options, double *log_z, double *error);
gm_status gm_rbm_gibbs(gm_model *m, gm_tensor *v, gm_tensor *clamp, const char *options, gm_tensor **out);
void gm_rnn_config_init(gm_rnn_config *c, size_t size);
gm_status gm_rnn_new(gm_ctx *ctx, const gm_rnn_config *c, gm_model **out);
gm_status gm_rnn_gradient_by_lag(gm_model *m, gm_tensor *tokens, gm_tensor **out);
gm_status gm_sampler_new(gm_ctx *ctx, gm_model *m, const char *options, gm_sampler **out);
gm_status gm_sampler_draw(gm_sampler *s, int64_t n, gm_tensor *cond, gm_tensor **out);
gm_status gm_sampler_trace(gm_sampler *s, gm_tensor **out);
gm_status gm_sampler_state_save(gm_sampler *s, void *out, size_t *size);
gm_status gm_sampler_state_load(gm_sampler *s, const void *in, size_t size);
void gm_sampler_free(gm_sampler *s);
void gm_srgan_config_init(gm_srgan_config *c, size_t size);
gm_status gm_srgan_new(gm_ctx *ctx, const gm_srgan_config *c, gm_model **out);
gm_status gm_srgan_upscale(gm_model *m, gm_tensor *small, gm_tensor **large);
const char *gm_status_name(gm_status s);
const char *gm_status_text(gm_status s);
const char *gm_version_string(void);
gm_status gm_constant(const char *name, int64_t *out);
gm_status gm_tape_new(gm_ctx *ctx, uint64_t seed, gm_tape **out);
void gm_tape_free(gm_tape *t);
void gm_tape_reset(gm_tape *t);
uint64_t gm_tape_generation(const gm_tape *t);
gm_status gm_tape_status(const gm_tape *t);
const char *gm_tape_message(const gm_tape *t);
void gm_tape_training(gm_tape *t, int32_t on);
void gm_tape_recording(gm_tape *t, int32_t on);
void gm_tape_seed(gm_tape *t, uint64_t seed);
void gm_tape_trap(gm_tape *t, int32_t on);
uint64_t gm_tape_push(gm_tape *t);
gm_tensor *gm_tape_pop(gm_tape *t, uint64_t mark, gm_tensor *keep);
gm_status gm_tape_backward(gm_tape *t, gm_tensor *loss);
gm_status gm_tape_grad(gm_tape *t, gm_tensor *y, gm_tensor *const *xs, int32_t n, int32_t create_graph, gm_tensor **out);
size_t gm_tape_print(const gm_tape *t, char *out, size_t cap);
size_t gm_tape_bytes(const gm_tape *t);
gm_status gm_checkpoint(gm_tape *t, gm_segment fn, void *user, gm_tensor *const *inputs, int32_t n, gm_tensor **outputs, int32_t n_out);
gm_status gm_gradcheck(gm_ctx *ctx, gm_expression fn, void *user, gm_tensor *const *inputs, int32_t n, int32_t order, double *error);
gm_status gm_tensor_new(gm_ctx *ctx, int32_t dtype, int32_t ndim, const int64_t *shape, gm_tensor **out);
gm_status gm_tensor_copy(gm_ctx *ctx, int32_t dtype, int32_t ndim, const int64_t *shape, const void *data, gm_tensor **out);
gm_status gm_tensor_wrap(gm_ctx *ctx, int32_t dtype, int32_t ndim, const int64_t *shape, const int64_t *strides, void *data, gm_deleter_fn deleter, void *user, gm_tensor **out);
void gm_tensor_free(gm_tensor *t);
gm_status gm_tensor_assign(gm_tensor *dst, const gm_tensor *src);
gm_status gm_tensor_read(const gm_tensor *t, void *out, size_t bytes);
gm_status gm_tensor_write(gm_tensor *t, const void *in, size_t bytes);
gm_status gm_tensor_item(const gm_tensor *t, double *out);
void *gm_tensor_data(const gm_tensor *t);
int32_t gm_tensor_dtype(const gm_tensor *t);
int32_t gm_tensor_ndim(const gm_tensor *t);
int64_t gm_tensor_dim(const gm_tensor *t, int32_t axis);
int64_t gm_tensor_stride(const gm_tensor *t, int32_t axis);
int64_t gm_tensor_size(const gm_tensor *t);
gm_status gm_tensor_set_grad(gm_tensor *t, int32_t on);
gm_tensor *gm_tensor_grad(const gm_tensor *t);
void gm_tensor_clear_grad(gm_tensor *t);
size_t gm_dtype_size(int32_t dtype);
const char *gm_dtype_name(int32_t dtype);
gm_status gm_tokenizer_train(gm_ctx *ctx, const char *options, const void *text, size_t n, gm_tokenizer **out);
gm_status gm_tokenizer_load_gpt2(gm_ctx *ctx, const char *vocab_json, const char *merges_txt, gm_tokenizer **out);
gm_status gm_tokenizer_save_gpt2(gm_tokenizer *tk, const char *vocab_json, const char *merges_txt);
gm_status gm_tokenizer_encode(gm_tokenizer *tk, const void *text, size_t n, uint32_t flags, gm_tensor **out);
gm_status gm_tokenizer_decode(gm_tokenizer *tk, const gm_tensor *tokens, uint32_t flags, char *out, size_t cap, size_t *size);
int32_t gm_tokenizer_kind(const gm_tokenizer *tk);
int64_t gm_tokenizer_size(const gm_tokenizer *tk);
const char *gm_tokenizer_token(const gm_tokenizer *tk, int64_t i, size_t *n);
int64_t gm_tokenizer_find(const gm_tokenizer *tk, const void *bytes, size_t n);
void gm_tokenizer_free(gm_tokenizer *tk);
gm_status gm_trainer_new(gm_model *m, gm_dataset *data, const char *options, gm_trainer **out);
gm_status gm_trainer_resume(gm_ctx *ctx, const char *path, gm_dataset *data, gm_dataset *valid, const char *options, gm_trainer **out);
gm_model *gm_trainer_model(const gm_trainer *tr);
gm_status gm_trainer_set_valid(gm_trainer *tr, gm_dataset *valid);
gm_status gm_trainer_set_progress(gm_trainer *tr, gm_progress_fn fn, void *user, double seconds);
gm_status gm_trainer_step(gm_trainer *tr, double *loss);
gm_status gm_trainer_run(gm_trainer *tr);
int32_t gm_trainer_done(const gm_trainer *tr);
uint64_t gm_trainer_steps(const gm_trainer *tr);
gm_status gm_trainer_save(gm_trainer *tr, const char *path);
int32_t gm_trainer_event_count(const gm_trainer *tr);
gm_status gm_trainer_event(const gm_trainer *tr, int32_t i, gm_event *out);
int32_t gm_trainer_series_count(const gm_trainer *tr);
const char *gm_trainer_series_name(const gm_trainer *tr, int32_t i);
int64_t gm_trainer_series_read(const gm_trainer *tr, int32_t i, uint64_t *steps, double *values, int64_t cap);
gm_status gm_trainer_note(gm_trainer *tr, const char *name, const char *text);
void gm_trainer_free(gm_trainer *tr);
void gm_transformer_config_init(gm_transformer_config *c, size_t size);
gm_status gm_transformer_new(gm_ctx *ctx, const gm_transformer_config *c, gm_model **out);
gm_status gm_transformer_encode(gm_model *m, gm_tensor *tokens, gm_tensor *length, gm_tensor **out);
void gm_vae_config_init(gm_vae_config *c, size_t size);
gm_status gm_vae_new(gm_ctx *ctx, const gm_vae_config *c, gm_model **out);
void gm_ae_config_init(gm_ae_config *c, size_t size);
gm_status gm_ae_new(gm_ctx *ctx, const gm_ae_config *c, gm_model **out);
]]
api.constants = {
    GM_GRADIENT_AUTO = 0,
    GM_GRADIENT_EXACT = 1,
    GM_GRADIENT_CHAINS = 2,
    GM_GRADIENT_MEAN_FIELD = 3,
    GM_TASK_CLASSIFY = 0,
    GM_TASK_REGRESS = 1,
    GM_TASK_AUTO = 2,
    GM_NORM_NONE = 0,
    GM_NORM_BATCH = 1,
    GM_NORM_LAYER = 2,
    GM_PRECISION_HIGHEST = 0,
    GM_PRECISION_HIGH = 1,
    GM_PRECISION_MEDIUM = 2,
    GM_LOG_DEBUG = 0,
    GM_LOG_INFO = 1,
    GM_LOG_WARN = 2,
    GM_LOG_ERROR = 3,
    GM_LAYER_CONSTANT = 0,
    GM_LAYER_COSINE = 1,
    GM_INPUTS_MEAN = 0,
    GM_INPUTS_DRAW = 1,
    GM_GAN_AUTO = 0,
    GM_GAN_MLP = 1,
    GM_GAN_DCGAN = 2,
    GM_GAN_RESNET = 3,
    GM_NOISE_NORMAL = 0,
    GM_NOISE_UNIFORM = 1,
    GM_GAN_MINIMAX = 0,
    GM_GAN_NON_SATURATING = 1,
    GM_GAN_LEAST_SQUARES = 2,
    GM_GAN_HINGE = 3,
    GM_GAN_WASSERSTEIN = 4,
    GM_GAN_RELATIVISTIC = 5,
    GM_GAN_LOSS_AUTO = 6,
    GM_PENALTY_NONE = 0,
    GM_PENALTY_GP = 1,
    GM_PENALTY_R1 = 2,
    GM_PENALTY_R2 = 3,
    GM_PENALTY_DRAGAN = 4,
    GM_PENALTY_CLIP = 5,
    GM_PENALTY_AUTO = 6,
    GM_CONDITIONAL_NONE = 0,
    GM_CONDITIONAL_CONCAT = 1,
    GM_CONDITIONAL_EMBEDDING = 2,
    GM_CONDITIONAL_PROJECTION = 3,
    GM_CONDITIONAL_ACGAN = 4,
    GM_HEALTH_OFF = 0,
    GM_HEALTH_WATCH = 1,
    GM_HEALTH_ACT = 2,
    GM_GPT_GELU = 0,
    GM_GPT_GELU_ERF = 1,
    GM_GPT_RELU = 2,
    GM_GPT_SWIGLU = 3,
    GM_GPT_SILU = 4,
    GM_GPT_NORM_LAYER = 0,
    GM_GPT_NORM_RMS = 1,
    GM_GPT_POSITIONS_LEARNED = 0,
    GM_GPT_POSITIONS_SINUSOIDAL = 1,
    GM_GPT_POSITIONS_ROTARY = 2,
    GM_GPT_POSITIONS_NONE = 3,
    GM_NEAREST = 0,
    GM_BILINEAR = 1,
    GM_BICUBIC = 2,
    GM_KERNEL_POLYNOMIAL = 0,
    GM_KERNEL_GAUSSIAN = 1,
    GM_JUDGE_NEAREST = 0,
    GM_JUDGE_LOGISTIC = 1,
    GM_CAN_SAMPLE = 1,
    GM_CAN_LOG_PROB = 2,
    GM_CAN_SCORE = 4,
    GM_CAN_ENCODE = 8,
    GM_CAN_DECODE = 16,
    GM_CAN_RECONSTRUCT = 32,
    GM_CAN_PREDICT = 64,
    GM_CAN_CONDITION = 128,
    GM_CAN_GENERATE = 256,
    GM_CAN_COMPLETE = 512,
    GM_LOG_PROB_EXACT = 1,
    GM_LOG_PROB_LOWER_BOUND = 2,
    GM_LOG_PROB_UNNORMALISED = 3,
    GM_LOG_PROB_ESTIMATE = 4,
    GM_LOG_PROB_CONDITIONAL = 5,
    GM_SMOOTHING_MLE = 0,
    GM_SMOOTHING_ADD_K = 1,
    GM_SMOOTHING_WITTEN_BELL = 2,
    GM_SMOOTHING_KNESER_NEY = 3,
    GM_NONE = 0,
    GM_MEAN = 1,
    GM_SUM = 2,
    GM_ALL_AXES = 127,
    GM_ACT_NONE = 0,
    GM_ACT_RELU = 1,
    GM_ACT_LRELU = 2,
    GM_ACT_TANH = 3,
    GM_ACT_SIGMOID = 4,
    GM_PAD_CONSTANT = 0,
    GM_PAD_REFLECT = 1,
    GM_PAD_REPLICATE = 2,
    GM_PAD_CIRCULAR = 3,
    GM_UNITS_BERNOULLI = 0,
    GM_UNITS_GAUSSIAN = 1,
    GM_UNITS_SOFTMAX = 2,
    GM_UNITS_REPLICATED = 3,
    GM_UNITS_RECTIFIED = 4,
    GM_UNITS_HIDDEN_RECTIFIED = 256,
    GM_UNITS_HIDDEN_GAUSSIAN = 512,
    GM_RBM_CHAINS = 0,
    GM_RBM_EXACT = 1,
    GM_RBM_GENERATIVE = 0,
    GM_RBM_DISCRIMINATIVE = 1,
    GM_RBM_HYBRID = 2,
    GM_RNN_ELMAN = 0,
    GM_RNN_GRU = 1,
    GM_RNN_LSTM = 2,
    GM_CONTENT_PIXEL = 0,
    GM_CONTENT_FEATURES = 1,
    GM_REDUCE_AREA = 0,
    GM_REDUCE_BICUBIC = 1,
    GM_OK = 0,
    GM_END = 1,
    GM_EARG = 2,
    GM_ESHAPE = 3,
    GM_EDTYPE = 4,
    GM_ENOMEM = 5,
    GM_EIO = 6,
    GM_EFORMAT = 7,
    GM_ENOTFOUND = 8,
    GM_ESTATE = 9,
    GM_ESTALE = 10,
    GM_EBUSY = 11,
    GM_ECANCELED = 12,
    GM_ENONFINITE = 13,
    GM_EUNSUPPORTED = 14,
    GM_ELIMIT = 15,
    GM_EINTERNAL = 16,
    GM_VERSION_MAJOR = 0,
    GM_VERSION_MINOR = 1,
    GM_VERSION_PATCH = 0,
    GM_F32 = 0,
    GM_F64 = 1,
    GM_I32 = 2,
    GM_I64 = 3,
    GM_U8 = 4,
    GM_BF16 = 5,
    GM_MAX_DIMS = 8,
    GM_TOKENIZE_BYTE = 0,
    GM_TOKENIZE_CHAR = 1,
    GM_TOKENIZE_WORD = 2,
    GM_TOKENIZE_BPE = 3,
    GM_ENCODE_SPECIAL = 1,
    GM_EVENT_NONFINITE = 1,
    GM_EVENT_EXPLODING = 2,
    GM_EVENT_VANISHING = 3,
    GM_EVENT_POSTERIOR_COLLAPSE = 4,
    GM_EVENT_BEST = 5,
    GM_EVENT_REPORT = 6,
    GM_EVENT_LAYER = 7,
    GM_EVENT_FALLBACK = 8,
    GM_EVENT_OVERFITTING = 9,
    GM_EVENT_MODE_COLLAPSE = 10,
    GM_EVENT_OSCILLATION = 11,
    GM_EVENT_IMBALANCE = 12,
    GM_EVENT_DUALITY_GAP = 13,
    GM_EVENT_REMEDY = 14,
    GM_TRANSFORMER_ENCODER_DECODER = 0,
    GM_TRANSFORMER_DECODER = 1,
    GM_TRANSFORMER_ENCODER = 2,
    GM_LIKELIHOOD_BERNOULLI = 0,
    GM_LIKELIHOOD_GAUSSIAN = 1,
    GM_LIKELIHOOD_AUTO = 2,
    GM_OBJECTIVE_ELBO = 0,
    GM_OBJECTIVE_IWAE = 1,
    GM_BINARIZE_NONE = 0,
    GM_BINARIZE_DYNAMIC = 1,
    GM_BINARIZE_THRESHOLD = 2,
    GM_PRESET_MLP = 0,
    GM_PRESET_CONV = 1,
    GM_CODE_GAUSSIAN = 0,
    GM_CODE_CATEGORICAL = 1,
    GM_HEADS_AUTO = 0,
    GM_HEADS_OWN = 1,
    GM_SCALE_NONE = 0,
    GM_SCALE_UNIT = 1,
    GM_SCALE_STANDARD = 2,
    GM_SCALE_AUTO = 3,
}
return api
