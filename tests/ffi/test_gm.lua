-- What examples/ffi/lua promises: errors, garbage in any order, callbacks, tensors, draws.
local here = arg[0]:match("^(.*)test_gm%.lua$")
package.path = here .. "../../examples/ffi/lua/?.lua;" .. package.path
local gm = require "gm"
local ffi = require "ffi"

local function same(a, b)
    if type(a) ~= "table" or type(b) ~= "table" then return a == b end
    if #a ~= #b then return false end
    for i = 1, #a do if not same(a[i], b[i]) then return false end end
    return true
end

local function fails(name, word, fn, ...)
    local ok, e = pcall(fn, ...)
    assert(not ok, "expected " .. name)
    assert(type(e) == "table" and e.name == name, tostring(e))
    assert(e.message:find(word, 1, true), e.message)
    assert(not tostring(e):find("\n", 1, true) and tostring(e):find(name, 1, true) == 1)
end

local tests = {}

function tests.tables()
    local v = ffi.new("int64_t[1]")
    for name, value in pairs(gm.api.constants) do
        assert(gm.C.gm_constant(name, v) == 0 and v[0] == value, name)
    end
    for name in gm.api.cdef:gmatch("(gm_[a-z0-9_]+)%([^*]") do assert(gm.C[name], name) end
    assert(gm.MEAN == 1 and gm.nope == nil and gm.version() == gm.api.version)
    for _, family in ipairs(gm.families()) do assert(gm[family:gsub("-", "_")]) end
end

function tests.errors()
    fails("GM_EARG", "latent", gm.vae, {latent = -1})
    fails("GM_EARG", "did you mean", gm.vae, {latnt = 1})
    fails("GM_EIO", "nowhere", gm.load, "/nowhere")
    local t = gm.tensor{1, 2}
    assert(gm.C.gm_model_family(ffi.cast("gm_model*", t.handle)) == nil) -- a handle of another kind
    fails("GM_EARG", "", gm.call, "gm_model_save", ffi.cast("gm_model*", t.handle), "x")
    t:close()
    t:close()
    assert(not pcall(function() return t.shape end))
end

function tests.tensors()
    local t = gm.tensor{{1, 2, 3}, {4, 5, 6}}
    assert(same(t.shape, {2, 3}) and t.size == 6 and t.dtype == "f32" and t.data[4] == 5)
    t.data[4] = 7 -- the library's memory itself
    assert(same(t:totable(), {{1, 2, 3}, {4, 7, 6}}))
    assert(same(gm.tensor(ffi.new("double[2]", 1, 2), "f64", {2, 1}):totable(), {{1}, {2}}))
    assert(gm.tensor(3, "i64"):totable() == 3 and #gm.tensor(3, "i64"):bytes() == 8)
    assert(not pcall(gm.tensor, {{1, 2}, {3}}) and not pcall(gm.tensor, {1}, "f16") and not pcall(gm.tensor, ffi.new("float[2]")))
end

function tests.garbage()
    math.randomseed(1)
    for i = 1, 30 do
        local model = gm.vae{shape = "2", hidden = {4}, latent = 1}
        local data = gm.dataset({{0.1, 0.2}, {0.3, 0.4}}, {0, 1})
        local things = {model, data, model:sampler(), model:sample(2), data:read("label"), gm.tensor{1}}
        model, data = nil, nil
        while #things > 0 do
            local thing = table.remove(things, math.random(#things))
            if i % 3 == 0 then thing:close() end
            thing = nil
            if i % 2 == 0 then collectgarbage() end
        end
    end
end

function tests.callbacks()
    local steps = 0
    local opts = {epochs = 2, batch = 20, seconds = 0, progress = function(p) steps = tonumber(p.step) end}
    local model = gm.vae{hidden = {8}, latent = 2, seed = 1}:fit("synth:digits,n=60,seed=1", opts)
    assert(steps == 6)
    local plain = gm.vae{hidden = {8}, latent = 2, seed = 1}:fit("synth:digits,n=60,seed=1", {epochs = 2, batch = 20})
    assert(model:sample(2):bytes() == plain:sample(2):bytes())
    opts.progress = function() error({mine = true}) end
    local ok, e = pcall(model.fit, model, "synth:digits,n=60,seed=1", opts)
    assert(not ok and e.mine)
    opts.progress = function() return true end
    fails("GM_ECANCELED", "callback", model.fit, model, "synth:digits,n=60,seed=1", opts)
end

function tests.models()
    local path = os.tmpname()
    local model = gm.vae{hidden = {8}, latent = 2, seed = 2}:fit("synth:digits,n=60,seed=1", {epochs = 1})
    model:save(path)
    local again = gm.load(path)
    assert(again:family() == "vae" and again:sample(2, 9):bytes() == model:sample(2, 9):bytes())
    assert(again:config():find('"latent":2', 1, true) and tostring(again):find("latent"))
    local x = gm.dataset("synth:digits,n=60,seed=1"):read("x", 0, 4)
    local z = model:encode(x)
    assert(same(z.shape, {4, 2}) and model:decode(z):bytes() == model:reconstruct(x):bytes())
    assert(model:score(x).size == 4 and model:log_prob(x, {k = 2}).size == 4)
    assert(model:can("encode") and not model:can("generate"))
    assert(model:eval("synth:digits,n=60,seed=1", {metric = "elbo"}).elbo.value < 0)
    gm.grid(model:sample(4), path)
    local f = io.open(path, "rb")
    assert(f:read(4) == "\137PNG")
    f:close()
    os.remove(path)
    local s = model:sampler{seed = 1}
    local a, b = s:draw(1):bytes(), s:draw(1):bytes()
    assert(model:sampler{seed = 1}:draw(2):bytes() == a .. b)
    local conditional = gm.vae{hidden = {8}, latent = 2, conditional = true}:fit("synth:digits,n=60,seed=1", {epochs = 1})
    assert(conditional:sampler():draw(3, {1, 2, 3}).size == 3 * 784)
end

function tests.text()
    local model = gm.rnn{hidden = 16, block = 8, seed = 1}:fit(gm.texts{("ab cd "):rep(20)}, {steps = 20, batch = 2})
    local text = model:generate("ab", 12, {seed = 1})
    local pieces = {}
    model:sampler{seed = 1}:prompt("ab"):write(12, function(piece) pieces[#pieces + 1] = piece end)
    assert(table.concat(pieces) == text)
    local many = model:sampler{seed = 1}
    for _ = 1, 1500 do many:prompt("a"):write(1) end -- there are fewer callbacks: each is given back
    local n = 0
    for token in model:sampler{seed = 1, max_tokens = 5}:prompt("ab"):tokens() do n = n + 1 assert(token >= 0) end
    assert(n <= 5)
    fails("GM_ECANCELED", "", function() model:sampler{seed = 1}:prompt("ab"):write(12, function() return true end) end)
end

for name, test in pairs(tests) do
    test()
    io.write(name, " ok\n")
end
left = {gm.vae{shape = "2"}, gm.tensor{1}} -- freed as the state closes
