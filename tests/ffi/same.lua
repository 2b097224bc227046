-- same.lua FOLDER - what same.c does, in Lua; one thread instead of two.
local here = arg[0]:match("^(.*)same%.lua$")
package.path = here .. "../../examples/ffi/lua/?.lua;" .. package.path
local gm = require "gm"
local folder = arg[1]
gm.setup{threads = 1}

local function write(name, data)
    local f = assert(io.open(folder .. "/" .. name, "wb"))
    f:write(data)
    f:close()
end

local function train(model, data, training)
    return model:fit(data, training):save(folder .. "/" .. model:family() .. ".safetensors")
end

local function rows(model, data, training) write(model:family() .. ".f32", train(model, data, training):sample(8, 2):bytes()) end

local digits = gm.dataset("synth:digits,n=200,seed=1"):read()
rows(gm.vae{hidden = {16}, latent = 3, seed = 1}, digits, {epochs = 2, batch = 50, lr = 0.002, progress = function() end, seconds = 0})
rows(gm.rbm{hidden = 12, seed = 1}, "synth:bars,n=200,seed=1", {epochs = 2})
rows(gm.gan{hidden = {16, 16}, noise_dim = 4, seed = 1}, "synth:ring8,n=256,seed=1", {steps = 20, batch = 32})
local texts = gm.texts{("the cat sat on the mat, the dog sat on the log. "):rep(10)}
local gpt = train(gm.gpt{depth = 1, heads = 2, embd = 16, block = 16, seed = 1}, texts, {steps = 20, batch = 4})
write("gpt.txt", gpt:generate("the cat", 40, {temperature = 0.8, seed = 7}))
