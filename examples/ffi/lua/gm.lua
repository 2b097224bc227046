-- gm.lua - libgm from LuaJIT: this file and gm_api.lua, nothing compiled.
--
--     local gm = require "gm"
--     local vae = gm.vae{hidden = {400}, latent = 20}:fit("idx:train-images-idx3-ubyte.gz", {epochs = 10})
--     gm.grid(vae:sample(64), "digits.png")
--
-- Failures are raised as {status, name, message}, which tostring shows. gm.C has every function of the library, gm.MEAN .. its
-- constants. One context serves the whole Lua state; a tensor's numbers are t.data[0 .. t.size-1], in the library's memory.
local ffi = require "ffi"
local api = require "gm_api"
ffi.cdef(api.cdef)

local here = debug.getinfo(1, "S").source:match("^@(.*)gm%.lua$") or "./"

local function load_library()
    local path = os.getenv("GM_LIBRARY")
    if path then return ffi.load(path) end
    for _, near in ipairs{here .. "libgm.so.0", here .. "../../../lib/libgm.so.0"} do
        local ok, lib = pcall(ffi.load, near)
        if ok then return lib end
    end
    return ffi.load("libgm.so.0")
end

local C = load_library()
local K = api.constants
local gm = {C = C, api = api}

-- ---- errors, options, handles -----------------------------------------------------------

local Error = {__tostring = function(e) return e.name .. ": " .. e.message end}

local function raise(status, message)
    error(setmetatable({status = status, name = ffi.string(C.gm_status_name(status)), message = ffi.string(message)}, Error), 0)
end

local context -- the state's context

-- OK or END comes back; anything else is raised.
local function check(status)
    if status ~= K.GM_OK and status ~= K.GM_END then raise(status, C.gm_ctx_message(context.handle)) end
    return status
end

-- {hidden = {400, 200}, latent = 20, conditional = true} as the text that the library reads
local function options(t)
    local out = {}
    for key, value in pairs(t or {}) do
        if type(value) == "table" then value = table.concat(value, ",") end
        if type(value) == "number" then value = ("%.17g"):format(value) end
        out[#out + 1] = key .. "='" .. tostring(value):gsub("'", "''") .. "'"
    end
    table.sort(out)
    return table.concat(out, " ")
end

local Closed = {__index = function(_, key)
    if key == "close" then return function() end end
    error("gm: this object is closed", 2)
end}

-- A class of handles: objects are tables with the cdata in `handle`, freed by the collector in any order, or by close.
local function class(free)
    local methods = {}
    methods.__index = methods
    function methods.of(handle)
        return setmetatable({handle = ffi.gc(handle, C[free])}, methods)
    end
    function methods:close()
        C[free](ffi.gc(self.handle, nil))
        self.handle = nil
        setmetatable(self, Closed)
    end
    return methods
end

-- Calls an action whose last parameter receives a handle of a class.
local function make(methods, kind, action, ...)
    local out = ffi.new(kind .. "*[1]")
    local arguments, n = {...}, select("#", ...)
    arguments[n + 1] = out
    check(C[action](unpack(arguments, 1, n + 1)))
    return methods.of(out[0])
end

local function handle(x) return x and x.handle end

-- ---- context ------------------------------------------------------------------------------

local Context = class("gm_ctx_free")

-- Makes the context anew, before anything else is made: gm.setup{threads = 1, max_bytes = 2^30}.
function gm.setup(fields)
    local config, out = ffi.new("gm_ctx_config"), ffi.new("gm_ctx*[1]")
    C.gm_ctx_config_init(config, ffi.sizeof(config))
    for key, value in pairs(fields or {}) do config[key] = value end
    local status = C.gm_ctx_new(config, out)
    if status ~= K.GM_OK then raise(status, C.gm_status_text(status)) end
    context = Context.of(out[0])
    gm.context = context
end

function gm.version() return ffi.string(C.gm_version_string()) end

-- Gives an action of the library that has no method here: gm.call("gm_frechet", gm.context.handle, a.handle, b.handle, out).
function gm.call(action, ...) return check(C[action](...)) end

-- ---- tensors ------------------------------------------------------------------------------

local Tensor = class("gm_tensor_free")
local ctypes = {[K.GM_F32] = "float", [K.GM_F64] = "double", [K.GM_I32] = "int32_t", [K.GM_I64] = "int64_t", [K.GM_U8] = "uint8_t"}
local dtypes = {f32 = K.GM_F32, f64 = K.GM_F64, i32 = K.GM_I32, i64 = K.GM_I64, u8 = K.GM_U8}
local tensor_fields = {
    shape = function(t)
        local out = {}
        for i = 1, C.gm_tensor_ndim(t.handle) do out[i] = tonumber(C.gm_tensor_dim(t.handle, i - 1)) end
        return out
    end,
    size = function(t) return tonumber(C.gm_tensor_size(t.handle)) end,
    dtype = function(t) return ffi.string(C.gm_dtype_name(C.gm_tensor_dtype(t.handle))) end,
    -- row-major for tensors made here; see gm_tensor_stride otherwise. Lasts as long as the tensor.
    data = function(t) return ffi.cast(ctypes[C.gm_tensor_dtype(t.handle)] .. "*", C.gm_tensor_data(t.handle)) end,
}
Tensor.__index = function(t, key)
    if Tensor[key] then return Tensor[key] end
    local field = tensor_fields[key]
    return field and field(t)
end

local function flatten(x, out)
    if type(x) ~= "table" then out[#out + 1] = x return end
    for i = 1, #x do flatten(x[i], out) end
end

-- From nested tables of numbers, or cdata with its shape and type: the numbers are copied. gm.tensor({{1, 2}, {3, 4}}, "f32")
function gm.tensor(x, dtype, shape)
    if getmetatable(x) == Tensor then return x end
    dtype = dtypes[dtype or "f32"] or error("gm.tensor: no type " .. tostring(dtype), 2)
    local values = {}
    if type(x) == "cdata" then
        assert(shape, "gm.tensor: cdata need a shape")
    else
        flatten(x, values)
        if not shape then
            shape = {}
            local row = x
            while type(row) == "table" do shape[#shape + 1] = #row row = row[1] end
        end
    end
    local n = 1
    for _, s in ipairs(shape) do n = n * s end
    local data = type(x) == "cdata" and x or ffi.new(ctypes[dtype] .. "[?]", n)
    if type(x) ~= "cdata" then
        if #values ~= n then error("gm.tensor: rows differ in length", 2) end
        for i = 1, n do data[i - 1] = values[i] end
    end
    return make(Tensor, "gm_tensor", "gm_tensor_copy", context.handle, dtype, #shape, ffi.new("int64_t[?]", #shape, shape), ffi.cast("const void*", data))
end

-- Nested tables; a number if it has no dimensions.
function Tensor:totable()
    local shape, n, at = self.shape, self.size, 0
    local values = ffi.new(ctypes[C.gm_tensor_dtype(self.handle)] .. "[?]", n)
    check(C.gm_tensor_read(self.handle, values, ffi.sizeof(values)))
    local function nest(axis)
        if axis > #shape then at = at + 1 return tonumber(values[at - 1]) end
        local out = {}
        for i = 1, shape[axis] do out[i] = nest(axis + 1) end
        return out
    end
    return nest(1)
end

-- The numbers' bytes, row-major.
function Tensor:bytes()
    local n = self.size * tonumber(C.gm_dtype_size(C.gm_tensor_dtype(self.handle)))
    local out = ffi.new("char[?]", n)
    check(C.gm_tensor_read(self.handle, out, n))
    return ffi.string(out, n)
end

-- Writes images [N, H, W] or [N, C, H, W] in [0,1] side by side as a PNG.
function gm.grid(images, path, columns) check(C.gm_png_write(gm.tensor(images).handle, columns or 0, path)) end

-- ---- data -----------------------------------------------------------------------------------

local Dataset = class("gm_dataset_free")

-- A SPEC, or rows and perhaps labels.
function gm.dataset(x, label)
    if getmetatable(x) == Dataset then return x end
    if type(x) == "string" then return make(Dataset, "gm_dataset", "gm_dataset_open", context.handle, x) end
    return make(Dataset, "gm_dataset", "gm_dataset_from_tensors", context.handle, gm.tensor(x).handle, handle(label and gm.tensor(label, "i64")))
end

-- Texts for language models.
function gm.texts(rows)
    local ends = {0}
    for i, row in ipairs(rows) do ends[i + 1] = ends[i] + #row end
    local all = table.concat(rows)
    local bytes = gm.tensor(ffi.cast("const uint8_t*", all), "u8", {#all})
    return make(Dataset, "gm_dataset", "gm_dataset_from_ragged", context.handle, bytes.handle, gm.tensor(ends, "i64").handle, nil)
end

function Dataset:rows() return tonumber(C.gm_dataset_rows(self.handle)) end

function Dataset:read(column, first, n)
    first = first or 0
    return make(Tensor, "gm_tensor", "gm_dataset_read", self.handle, column or "x", first, n or self:rows() - first)
end

-- ---- models -----------------------------------------------------------------------------------

local Model, Trainer, Sampler = class("gm_model_free"), class("gm_trainer_free"), class("gm_sampler_free")

function gm.model(family, opts) return make(Model, "gm_model", "gm_model_new", context.handle, family, options(opts)) end
function gm.load(path) return make(Model, "gm_model", "gm_model_load", context.handle, path) end

function gm.families()
    local out = {}
    for i = 1, C.gm_family_count() do out[i] = ffi.string(C.gm_family_name(i - 1)) end
    return out
end

-- A callback of Lua as `kind`, around a call: what it raises stops the call and is raised again behind it; a true result stops, too.
-- Code that calls back must be interpreted, not compiled.
local function with_callback(kind, fn, call)
    local failure
    local callback = ffi.cast(kind, function(...)
        local ok, result = pcall(fn, ...)
        if not ok then failure = {result} end
        return (not ok or result) and 1 or 0
    end)
    local ok, err = pcall(call, callback)
    callback:free()
    if failure then error(failure[1], 0) end
    if not ok then error(err, 0) end
    return err
end
jit.off(with_callback, true)

-- Trains on a SPEC, a data set or rows. opts: the training options, and label, progress = function(p) .. end, seconds.
function Model:fit(data, opts)
    local rest = {}
    for key, value in pairs(opts or {}) do rest[key] = value end
    local label, progress, seconds = rest.label, rest.progress, rest.seconds or 0.1
    rest.label, rest.progress, rest.seconds = nil, nil, nil
    local trainer = make(Trainer, "gm_trainer", "gm_trainer_new", self.handle, gm.dataset(data, label).handle, options(rest))
    if not progress then
        check(C.gm_trainer_run(trainer.handle))
    else
        with_callback("gm_progress_fn", function(p) return progress(p) end, function(callback)
            check(C.gm_trainer_set_progress(trainer.handle, callback, nil, seconds))
            check(C.gm_trainer_run(trainer.handle))
        end)
    end
    trainer:close()
    return self
end
jit.off(Model.fit, true)

function Model:family() return ffi.string(C.gm_model_family(self.handle)) end
function Model:config() return ffi.string(C.gm_model_config(self.handle)) end
function Model:save(path) check(C.gm_model_save(self.handle, path)) return self end
function Model:can(verb) return bit.band(C.gm_model_can(self.handle), K["GM_CAN_" .. verb:upper()]) ~= 0 end
function Model:sample(n, seed) return make(Tensor, "gm_tensor", "gm_sample", self.handle, n or 1, seed or 0) end
function Model:sampler(opts) return make(Sampler, "gm_sampler", "gm_sampler_new", context.handle, self.handle, options(opts)) end

function Model:log_prob(x, opts)
    local out = ffi.new("gm_tensor*[1]")
    check(C.gm_log_prob(self.handle, gm.tensor(x).handle, options(opts), out, nil))
    return Tensor.of(out[0])
end

for _, verb in ipairs{"encode", "decode", "reconstruct", "predict", "score"} do
    Model[verb] = function(self, x, cond)
        return make(Tensor, "gm_tensor", "gm_model_apply", self.handle, K["GM_CAN_" .. verb:upper()], gm.tensor(x).handle, handle(cond and gm.tensor(cond, "i64")))
    end
end

-- {elbo = {value, error, unit, note}}
function Model:eval(data, opts)
    local out, n = ffi.new("gm_measure[64]"), ffi.new("int32_t[1]")
    check(C.gm_eval(self.handle, gm.dataset(data).handle, options(opts), out, 64, n))
    local measures = {}
    for i = 0, n[0] - 1 do
        local m = out[i]
        measures[ffi.string(m.name)] = {value = m.value, error = m.error, unit = ffi.string(m.unit), note = ffi.string(m.note)}
    end
    return measures
end

Model.__tostring = function(m)
    local n = C.gm_model_print(m.handle, nil, 0)
    local out = ffi.new("char[?]", n + 1)
    C.gm_model_print(m.handle, out, n + 1)
    return ffi.string(out)
end

-- ---- draws ---------------------------------------------------------------------------------------

function Sampler:draw(n, cond) return make(Tensor, "gm_tensor", "gm_sampler_draw", self.handle, n or 1, handle(cond and gm.tensor(cond, "i64"))) end
function Sampler:prompt(text) check(C.gm_sampler_prompt(self.handle, text, #text)) return self end

-- Numbers of tokens as they are drawn: for token in s:tokens() do .. end
function Sampler:tokens()
    local token = ffi.new("int64_t[1]")
    return function()
        if check(C.gm_sampler_next(self.handle, token)) == K.GM_OK then return tonumber(token[0]) end
    end
end

-- Hands pieces of text to fn as they are made, from so many tokens or until the text ends; a true result stops it. Without fn: all of it.
function Sampler:write(tokens, fn)
    local all = {}
    with_callback("gm_text_fn", function(bytes, n)
        local piece = ffi.string(bytes, n)
        if fn then return fn(piece) end
        all[#all + 1] = piece
    end, function(callback) check(C.gm_sampler_write(self.handle, tokens or 100, callback, nil, nil)) end)
    return table.concat(all)
end
jit.off(Sampler.write, true)

function Model:generate(prompt, tokens, opts) return self:sampler(opts):prompt(prompt):write(tokens) end

-- gm.vae{latent = 20}, gm.naive_bayes{} are families; gm.MEAN is GM_MEAN
setmetatable(gm, {__index = function(_, key)
    if K["GM_" .. key] then return K["GM_" .. key] end
    local family = key:gsub("_", "-")
    if C.gm_family_title(family) ~= nil then return function(opts) return gm.model(family, opts) end end
end})

gm.setup()
return gm
