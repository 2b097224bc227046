#!/bin/sh
# The gm program as scripts rely on it: bytes, resume, exit codes, one line of complaint, nothing left behind.
set -eu
gm=$(cd "$GM_BUILD" && pwd)/gm
vectors=$PWD/tests/vectors
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
small="--data synth:digits,n=300,seed=1 --hidden 20 --latent 4 --batch 32 --seed 7 --quiet"

echo "the same bytes on two runs and at 1, 2, 3 threads"
$gm train vae $small --epochs 2 --out a.safetensors
$gm train vae $small --epochs 2 --out b.safetensors
cmp a.safetensors b.safetensors
for t in 1 2 3; do
    $gm train vae $small --epochs 2 --threads $t --out b.safetensors
    cmp a.safetensors b.safetensors
done

echo "50 steps = 23 (inside an epoch) + a new process with 27"
for how in "--schedule cosine" "--optimizer sgd --lr 1e-5 --momentum 0.9 --schedule step --step-size 10" "--optimizer rmsprop --momentum 0.5 --schedule onecycle" "--accumulate 3 --schedule plateau --plateau-patience 0 --groups *.bias:lr-scale=0.5;encoder:weight-decay=0.01" "--optimizer adamw --ema 0.9 --warmup 5 --keep-best on --valid synth:digits,n=40,seed=2"; do
    $gm train vae $small --steps 50 $how --out whole.safetensors
    $gm train vae $small --steps 50 $how --stop-after 23 --checkpoint run.ckpt --out never.safetensors
    test ! -e never.safetensors
    valid=$(echo "$how" | sed -nE 's/.*(--valid [^ ]+).*/\1/p')
    $gm train vae --data synth:digits,n=300,seed=1 $valid --steps 50 --quiet --threads 3 --resume run.ckpt --out parts.safetensors
    cmp whole.safetensors parts.safetensors
done

echo "a recurrent net reads on where it was when it is resumed, and writes"
text="text:text.txt"
for i in 1 2 3 4 5 6; do echo "the cat sat on the mat, the dog sat on the log; line $i of six."; done >text.txt
rnn="--data $text --hidden 12 --block 8 --batch 4 --quiet"
$gm train rnn $rnn --steps 30 --out r1.safetensors
$gm train rnn $rnn --steps 30 --stop-after 11 --checkpoint r.ckpt --out never.safetensors
$gm train rnn --data $text --quiet --threads 3 --resume r.ckpt --out r2.safetensors
cmp r1.safetensors r2.safetensors
$gm sample r1.safetensors --prompt "the cat" -n 40 --seed 2 >t1.txt
$gm sample r2.safetensors --prompt "the cat" -n 40 --seed 2 | cmp t1.txt -
$gm sample r2.safetensors --prompt "the cat" -n 40 --seed 2 --map on | cmp t1.txt -
echo old >full.txt
if (trap '' XFSZ; ulimit -f 1; $gm sample r1.safetensors -n 3000 --out full.txt) 2>err.txt; then echo "a file past the limit"; exit 1; fi
[ "$(cat full.txt)$(grep -c '^gm: .*writ' err.txt)$(ls -A | grep -c '\.part$')" = old10 ]
grep -q "^the cat" t1.txt
$gm eval r1.safetensors --data $text | grep -qE '^nats_per_token [0-9.]+ nats'

echo "the other verbs"
$gm sample a.safetensors -n 9 --seed 3 --out s.png
$gm sample a.safetensors -n 9 --seed 3 --out s.npy
test "$($gm sample a.safetensors -n 9 --seed 3 --out - | wc -l)" = 9
$gm reconstruct a.safetensors --data synth:digits,n=9 --out r.png
$gm encode a.safetensors --data synth:digits,n=9 --out z.csv
test "$(wc -l <z.csv)" = 9
test "$(head -1 z.csv | tr ',' '\n' | wc -l)" = 4
$gm score a.safetensors --data synth:digits,n=9 --out score.txt
test "$(wc -l <score.txt)" = 9
$gm eval a.safetensors --data synth:digits,n=50 --metric elbo | grep -qE '^elbo -[0-9.]+ nats'
$gm eval a.safetensors --data synth:digits,n=20 --metric elbo,recon --metric nll --k 20 --json | grep -c '"value"' | grep -qx 3
$gm info a.safetensors | grep -q vae
$gm info a.safetensors --json | grep -q '"family":"vae"'
$gm data synth:ring8,n=200 --out ring.png | grep -q 'rows *200'
$gm models | grep -q '^vae '
$gm help vae | grep -q -- --latent
$gm help layers | grep -q '^linear N'
$gm train ae --data 'synth:digits,n=100[0:64]' --hidden none --activation none --likelihood gaussian --latent 3 --epochs 1 --quiet --out ae.safetensors
$gm reconstruct ae.safetensors --data synth:digits,n=4 --out r.npy

echo "predict: labels with probabilities, targets"
$gm train mlp --data synth:digits,n=300,seed=1 --hidden 20 --epochs 5 --lr 3e-3 --seed 7 --threads 1 --quiet --out mlp.safetensors
$gm train mlp --data synth:digits,n=300,seed=1 --hidden 20 --epochs 5 --lr 3e-3 --seed 7 --threads 3 --quiet --out b.safetensors
cmp mlp.safetensors b.safetensors
$gm eval mlp.safetensors --data synth:digits,n=50 --metric accuracy,cross_entropy | grep -qE '^accuracy [01]\.[0-9]+ fraction'
$gm predict mlp.safetensors --data synth:digits,n=9 --out p.csv
test "$(head -1 p.csv)" = label,p0,p1,p2,p3,p4,p5,p6,p7,p8,p9
test "$(wc -l <p.csv)" = 10
$gm predict mlp.safetensors --data synth:digits,n=9 --out p.npy
test "$($gm predict mlp.safetensors --data synth:digits,n=9 --out - | sed 1d | head -1 | tr ',' '\n' | sed 1d | awk '{s += $1} END {print (s > 0.9999 && s < 1.0001)}')" = 1
$gm encode mlp.safetensors --data synth:digits,n=3 --out f.npy
$gm info mlp.safetensors | grep -q 'of the label given the row'
printf 'h,T,T_i,y\n40,-5,21,2.6\n55,0,20,2.05\n60,5,21,1.58\n35,10,22,1.26\n70,15,21,0.57\n50,20,21,0.12\n' >heat.csv
$gm train mlp --data csv:heat.csv,y=y --hidden none --steps 500 --lr 0.05 --quiet --out heat.safetensors
$gm eval heat.safetensors --data csv:heat.csv,y=y | grep -qE '^rmse 0\.0'
test "$($gm predict heat.safetensors --data csv:heat.csv,y=y --out - | head -1)" = y
echo "samples beside data"
$gm eval a.safetensors --data synth:digits,n=60,seed=2 --metric frechet,mmd,precision --metric recall,density,coverage,c2st,sliced_w,nearest >sets.txt
test "$(wc -l <sets.txt)" = 9
for m in frechet mmd precision recall density coverage c2st sliced_w nearest; do grep -qE "^$m -?[0-9.]+ [a-z]+ .*n=60, features=raw" sets.txt; done
$gm eval a.safetensors --data synth:digits,n=60,seed=2 --metric frechet,mmd,precision,recall,density,coverage,c2st,sliced_w,nearest --threads 3 | cmp - sets.txt
$gm eval a.safetensors --data synth:digits,n=60,seed=2 --metric coverage --n 30 --k 2 --json | grep -q '"rows":30,"note":"n=30, features=raw, k=2"'
$gm eval a.safetensors --data synth:digits,n=60,seed=2 --metric psnr,ssim | grep -qE '^ssim 0?\.?[0-9.]+ similarity'
$gm train vae --data synth:ring8,n=300 --hidden 16 --latent 2 --epochs 1 --quiet --out ring.safetensors
$gm eval ring.safetensors --data synth:ring8,n=300 --metric modes,high_quality | grep -c 'n=2500' | grep -qx 2
rm sets.txt
echo "conditional models are told labels"
$gm train vae $small --conditional 1 --epochs 1 --out cvae.safetensors
$gm sample cvae.safetensors -n 9 --label 3 --out s.npy
$gm sample cvae.safetensors -n 10 --out s.png
$gm encode cvae.safetensors --data synth:digits,n=9 --out z.csv
$gm eval cvae.safetensors --data synth:digits,n=50 --metric elbo,kl,recon | grep -c nats | grep -qx 2
echo "a report: the same bytes with and without, curves that go on after a resume, no script, nothing from outside"
$gm train vae $small --epochs 2 --report run/ --out b.safetensors 2>err.txt
cmp a.safetensors b.safetensors
test ! -s err.txt
grep -q 'state finished' run/report.html
grep -q -- '--report run/ --out b.safetensors' run/report.html
test "$(grep -c '^loss,' run/series.csv)" = 20
if grep -qE '<script|https?:' run/report.html; then exit 1; fi
if command -v xmllint >/dev/null; then xmllint --noout run/report.html; fi
$gm train vae $small --epochs 2 --stop-after 7 --checkpoint run.ckpt2 --report parts --out never.safetensors
grep -q 'state stopped' parts/report.html
$gm train vae --data synth:digits,n=300,seed=1 --quiet --resume run.ckpt2 --report parts --out b.safetensors
cmp run/series.csv parts/series.csv
$gm train vae --data synth:digits,n=64 --hidden 8 --latent 2 --epochs 1 --out b.safetensors --report run 2>&1 | grep -qx 'report run/report.html'
rm -rf run parts run.ckpt2 err.txt

before=$(ls -A | wc -l)
# refused CODE WORDS: exit code, one line "gm: ..", nothing on stdout, no new file
refused() {
    want=$1
    shift
    set +e
    "$gm" "$@" >out.txt 2>err.txt
    code=$?
    set -e
    last=$(tail -n 1 err.txt)
    if [ $code != "$want" ] || [ "$(grep -c '^gm: ' err.txt)" != 1 ] || [ "${last#gm: }" = "$last" ] || [ -s out.txt ]; then
        echo "gm $*: exit $code, wanted $want"
        cat out.txt err.txt
        exit 1
    fi
    echo "  $last"
    rm -f out.txt err.txt
    test "$(ls -A | wc -l)" = "$before" || { echo "gm $*: left a file behind:"; ls -A; exit 1; }
}

echo "first weights from a file: the same model goes on, machines become a network"
$gm train dbn --data synth:digits,n=200 --layers 12,10 --epochs 2 --quiet --out dbn.safetensors
$gm train dbn --data synth:digits,n=200 --from dbn.safetensors --epochs 2 --quiet --out dbn2.safetensors
$gm train mlp --data synth:digits,n=200 --from dbn.safetensors --epochs 2 --quiet --out net.safetensors
$gm train ae --data synth:digits,n=200 --from dbn.safetensors --latent 2 --epochs 2 --quiet --out code.safetensors
$gm encode dbn.safetensors --data synth:digits,n=5 --layer 1 --out - | head -1 | tr ',' '\n' | wc -l | grep -qx 12
$gm train dbn --data synth:digits,n=200 --layers 12,10 --layer-epochs 1,1 --layer-k 2,1 --layer-lr 1,0.5 --up-down 2 --epochs 4 --json --out tuned.safetensors >/dev/null 2>events.txt
grep -q "up-down begins" events.txt
$gm eval net.safetensors --data synth:digits,n=50,seed=2 --metric accuracy | grep -q '^accuracy '
$gm train dbm --data synth:digits,n=200 --layers 12,10 --epochs 2 --quiet --out dbm.safetensors
$gm encode dbm.safetensors --data synth:digits,n=5 --layer 1 --out - | head -1 | tr ',' '\n' | wc -l | grep -qx 12
$gm eval dbm.safetensors --data synth:digits,n=50,seed=2 --metric ais --k 50 | grep -q 'lower bound'
$gm train mlp --data synth:digits,n=200 --from dbm.safetensors --epochs 1 --quiet --out net.safetensors
before=$(ls -A | wc -l)
refused 2 train dbn --data synth:digits,n=200 --from dbn.safetensors --layers 5 --out x
refused 1 train vae --data synth:digits,n=200 --from dbn.safetensors --out x
refused 2 train mlp --data synth:digits,n=200 --from dbn.safetensors --resume y --out x
refused 1 encode dbn.safetensors --data synth:digits,n=5 --layer 3 --out -
refused 2 encode dbn.safetensors --data synth:digits,n=5 --layer 0 --out -
refused 2 train dbn --data synth:digits,n=200 --layers 12 --up-down 2 --out x
refused 2 train dbn --data synth:digits,n=200 --layers 12,10 --layer-epochs 5,5 --epochs 4 --out x
echo "chains that go on: burn-in, thinning, their energies"
$gm train rbm --data synth:digits,n=200 --hidden 12 --epochs 2 --quiet --out rbm.safetensors
$gm sample rbm.safetensors -n 30 --chains 5 --burn-in 20 --thin 3 --trace f.csv --out s.npy 2>err.txt
grep -q '^chains: 30 kept states are worth' err.txt
test "$(wc -l <f.csv)" = 5
$gm sample rbm.safetensors -n 30 --chains 5 --burn-in 20 --thin 3 --threads 3 --quiet --out s2.npy
cmp s.npy s2.npy
$gm sample dbm.safetensors -n 6 --chains 3 --mean off --out - | tr ',' '\n' | sort -u | tr '\n' ' ' | grep -qx '0 1 '
rm -f s2.npy err.txt f.csv; before=$(ls -A | wc -l)
refused 1 sample a.safetensors --chains 5
refused 2 sample rbm.safetensors --burn-in 5
refused 2 sample rbm.safetensors --chains 5 --thin 0
refused 2 sample rbm.safetensors --chains 5 --trace f.png
refused 2 sample rbm.safetensors --trace f.csv
echo "completion: regions, masks, missing entries; known ones come out as they were"
C="--data synth:digits,n=5"
for f in rbm dbm dbn; do
    $gm complete $f.safetensors $C --known 'rows 0:14' --steps 20 --out c.npy
    $gm complete $f.safetensors $C --known 'rows 0:14' --steps 20 --threads 3 --out c2.npy
    cmp c.npy c2.npy
done
$gm complete dbn.safetensors $C --known 'columns 5:9' --steps 5 --anneal 2 --seed 3 --out c.png
$gm train bm --data synth:bars,n=100 --hidden 2 --epochs 2 --quiet --out bm.safetensors
printf 'nan,1,1,nan,0,0,0,nan,0\n1,nan,nan,0,0,0,0,0,0\n' >holes.csv
$gm complete bm.safetensors --data csv:holes.csv,missing=nan --mean off --out - | sed -n 2p | grep -qE '^1,[01],[01],0,0,0,0,0,0$'
printf '1,1,1,0,0,0,0,0,0\n' >mask.csv
$gm complete bm.safetensors --data csv:holes.csv,missing=nan --known csv:mask.csv --out - | head -n 1 | grep -qE '^[01],1,1,'
rm -f c.npy c2.npy c.png; before=$(ls -A | wc -l)
refused 1 complete a.safetensors $C --known 'rows 0:14' --out x.npy
refused 2 complete rbm.safetensors $C --known 'rows 0:29' --out x.npy
refused 2 complete rbm.safetensors $C --known 'rows 9:9' --out x.npy
refused 2 complete rbm.safetensors $C --known 'lines 0:9' --out x.npy
refused 2 complete rbm.safetensors $C --known 'rows 0:9 ' --out x.npy
refused 2 complete bm.safetensors --data csv:holes.csv,missing=nan --known 'rows 0:1' --out x.npy
refused 1 complete rbm.safetensors $C --known csv:mask.csv --out x.npy
refused 1 complete rbm.safetensors --data csv:holes.csv,missing=nan --out x.npy
refused 2 complete rbm.safetensors $C --out x.npy --steps 0
refused 2 complete rbm.safetensors $C
refused 1 complete rbm.safetensors $C --label 3 --out x.npy
rm -f bm.safetensors holes.csv mask.csv; before=$(ls -A | wc -l)
echo "two nets against each other: the same bytes in parts, labels, codes, scores"
game="--data synth:digits,n=100 --width 4 --noise-dim 4 --batch 16 --conditional projection --d-steps 1.5"
lap="--data synth:digits,n=100 --width 4 --noise-dim 4 --batch 16 --levels 2"
$gm train gan $game --steps 12 --quiet --out gan.safetensors
$gm train gan $game --steps 12 --stop-after 5 --checkpoint gan.ckpt --quiet --out never.safetensors
$gm train gan --data synth:digits,n=100 --resume gan.ckpt --threads 3 --quiet --out gan2.safetensors
cmp gan.safetensors gan2.safetensors
$gm sample gan.safetensors --label 3 -n 4 --out s.npy
$gm train gan --data synth:ring8,n=500 --steps 20 --quiet --out ring.safetensors
$gm score ring.safetensors --data synth:ring8,n=5 --out - | wc -l | grep -qx 5
$gm encode ring.safetensors --data synth:ring8,n=2 --out - | head -1 | tr ',' '\n' | wc -l | grep -qx 2
$gm train lapgan $lap --steps 6 --quiet --out lap.safetensors
$gm train lapgan $lap --steps 6 --stop-after 3 --checkpoint gan.ckpt --quiet --out never.safetensors
$gm train lapgan --data synth:digits,n=100 --resume gan.ckpt --threads 3 --quiet --out lap2.safetensors
cmp lap.safetensors lap2.safetensors
$gm sample lap.safetensors -n 4 --out s.png
$gm train srgan --data synth:shapes,n=60 --width 4 --blocks 1 --batch 8 --steps 6 --quiet --out sr.safetensors
$gm train srgan --data synth:shapes,n=60 --width 4 --blocks 1 --batch 8 --steps 6 --stop-after 3 --checkpoint gan.ckpt --quiet --out never.safetensors
$gm train srgan --data synth:shapes,n=60 --resume gan.ckpt --threads 3 --quiet --out sr2.safetensors
cmp sr.safetensors sr2.safetensors
$gm eval sr.safetensors --data synth:shapes,n=20,seed=2 | grep -q '^psnr_bicubic '
$gm eval sr.safetensors --data synth:shapes,n=20,seed=2 --metric sharpness | grep -q '^sharpness '
$gm predict sr.safetensors --data synth:shapes,n=4 --out s.png
$gm reconstruct sr.safetensors --data synth:shapes,n=4 --out s.png
rm -f gan.ckpt s.npy s.png
before=$(ls -A | wc -l)
refused 2 train gan --data synth:ring8,n=50 --d-steps 0 --out x
refused 2 train gan --data synth:ring8,n=50 --loss best --out x
refused 1 train gan --data synth:ring8,n=50 --preset dcgan --out x
refused 1 train gan --data synth:ring8,n=50 --generator 'linear 3' --out x
refused 1 train gan --data synth:ring8,n=50 --discriminator 'linear 2' --out x
refused 1 train gan --data synth:moons,n=50 --steps 1 --keep-best 1 --out x
refused 1 train lapgan --data synth:digits,n=50 --levels 4 --out x
refused 1 train lapgan --data synth:ring8,n=50 --out x
refused 2 train lapgan --data synth:digits,n=50 --levels 9 --out x
refused 1 train srgan --data synth:digits,n=50 --factor 3 --out x
refused 2 train srgan --data synth:digits,n=50 --content features --out x
refused 1 predict sr.safetensors --data synth:digits,n=2 --out y.npy
refused 2 predict net.safetensors --data synth:digits,n=2 --out y.png
refused 2 sample gan.safetensors --label 10 --out y.npy
printf 'not a model' >bad.safetensors
printf 'a,b\n1,2\n3,x\n' >bad.csv
printf 'a,b\n1,2\n3\n' >short.csv
printf '\0\0\10\3\0\0\1\0\0\0\0\34\0\0\0\34' >cut.idx
printf '\037\213\010\0garbage' >bad.gz
head -c 2000 a.safetensors >cut.safetensors
mkdir full; mkdir readonly; mkfifo fifo
before=$(ls -A | wc -l)
D="--data synth:digits,n=20"
echo "wrong arguments: exit 2"
refused 2
refused 2 frobnicate
refused 2 train
refused 2 train nosuch $D --out x
refused 2 train vae --out x
refused 2 train vae $D
refused 2 train vae $D --out x --latnt 3
refused 2 train vae $D --out x --latent
refused 2 train vae $D --out x --latent 0
refused 2 train vae $D --out x --latent 1e9
refused 2 train vae $D --out x --latent abc
refused 2 train vae $D --out x --latent=3
refused 2 train vae $D --out x --hidden 4,,5
refused 2 train vae $D --out x --activation reluu
refused 2 train vae $D --out x --beta nan
refused 2 train vae $D --out x --lr -1
refused 2 train vae $D --out x --optimizer adma
refused 2 train vae $D --out x --schedule up
refused 2 train vae $D --out x --schedule onecycle --warmup 3
refused 2 train vae $D --out x --accumulate 0
refused 2 train vae $D --out x --groups 'decodr: lr-scale=0'
refused 2 train vae $D --out x --groups 'decoder lr-scale=0'
refused 2 train vae $D --out x --threads 0
refused 2 train vae $D --out x --precision best
refused 2 train vae $D --out x --encoder 'linear 5, relo'
refused 2 train vae --data nosuch:file --out x
refused 2 train vae --data synth:nosuch --out x
refused 2 train vae --data 'synth:digits,n=ten' --out x
refused 2 train vae --data 'synth:digits,n=20[5:' --out x
refused 2 eval a.safetensors
refused 2 eval a.safetensors $D --metric nosuch
refused 2 eval a.safetensors $D --metric frechet --features inception
refused 2 eval a.safetensors $D --metric frechet --n -3
refused 2 eval mlp.safetensors $D --metric frechet
refused 2 sample a.safetensors -n 0
refused 2 sample a.safetensors --out x.jpeg
refused 2 sample a.safetensors one too many
refused 2 sample cvae.safetensors --label 10
refused 2 sample cvae.safetensors --label -1
refused 2 sample cvae.safetensors --label three
refused 2 train mlp $D --out x --dropout 1
refused 2 train mlp $D --out x --heads own
refused 2 train ae $D --out x --tied 1 --conditional 1
echo "files, data, training: exit 1"
refused 1 sample a.safetensors --label 3
refused 1 predict a.safetensors $D --out x.csv
refused 1 train vae --data csv:heat.csv --conditional 1 --out x
refused 1 eval cvae.safetensors --data csv:heat.csv
refused 1 train mlp --data csv:heat.csv --out x
refused 1 train mlp --data csv:heat.csv,y=nosuch --out x
refused 1 eval mlp.safetensors --data csv:heat.csv,y=y
refused 1 eval heat.safetensors --data csv:heat.csv
refused 1 train vae --data idx:nowhere.gz --out x
refused 1 train vae --data idx:cut.idx --out x
refused 1 train vae --data idx:bad.gz --out x
refused 1 train vae --data idx:fifo --out x
refused 1 train vae --data csv:bad.csv --out x
refused 1 train vae --data csv:short.csv --out x
refused 1 train vae --data idx:. --out x
printf 'a,b\n0.5,2.5\n0,1\n' >range.csv; before=$(ls -A | wc -l)
refused 1 train rbm --data csv:range.csv --quiet --out x
refused 1 train bm --data csv:range.csv --quiet --out x
refused 1 train vae --likelihood bernoulli --data csv:range.csv --quiet --out x
refused 1 train vae $D --epochs 1 --quiet --out nowhere/x
refused 1 train vae $D --epochs 1 --quiet --report nowhere/r --out x
refused 1 train vae $D --epochs 1 --quiet --report bad.csv --out x
refused 2 train vae $D --out x --report
refused 1 train vae $D --quiet --optimizer sgd --lr 1e6 --epochs 5 --out x
refused 1 train vae $D --resume bad.safetensors --out x
refused 1 train vae $D --resume a.safetensors --out x
refused 1 train vae --data synth:digits,n=299,seed=1 --quiet --resume run.ckpt --out x
refused 1 train vae --data synth:digits,n=300,seed=1 --quiet --lr 0.5 --resume run.ckpt --out x
refused 1 sample bad.safetensors
refused 1 sample cut.safetensors
refused 1 sample nowhere.safetensors
refused 1 sample ae.safetensors
refused 1 eval a.safetensors --data synth:ring8,n=5
refused 1 eval a.safetensors --data synth:moons,n=20 --metric frechet
refused 1 eval ring.safetensors --data synth:swissroll,n=20 --metric frechet --features classifier
refused 1 eval ring.safetensors --data synth:moons,n=20 --metric modes
refused 2 eval a.safetensors $D --metric accuracy
mkdir full.npy; before=$(ls -A | wc -l)
refused 1 sample a.safetensors --out full.npy

echo "ratings: a table, held-out ones measured, expected ones written"
printf '0,0,5\n0,1,1\n1,0,4\n1,2,2\n2,1,1\n2,2,3\n' >known.csv
printf '0,2,2\n2,0,5\n' >held.csv
R="--data ratings:known.csv,held.csv,table=on"
$gm data ratings:known.csv,held.csv,table=on | grep -q '^y .*7 missing'
$gm train rbm $R --units softmax --levels 1,2,3,4,5 --missing on --hidden 2 --epochs 2 --batch 3 --quiet --out r.safetensors
$gm eval r.safetensors $R --metric rmse | grep -q '^rmse [0-4]\.'
$gm predict r.safetensors $R --out r.csv
test "$(head -n 1 r.csv)" = y0,y1,y2
test "$(wc -l <r.csv)" = 4
rm -f out.txt err.txt; before=$(ls -A | wc -l)
refused 2 train rbm $R --units softmax --levels 2,3 --missing on --out x --quiet
refused 2 train rbm $R --units softmax --levels 1,2,3,4,5 --out x --quiet
refused 2 train rbm $R --units softmax --levels 5,4 --out x --quiet
refused 1 eval r.safetensors --data ratings:known.csv,table=on --metric rmse

echo "texts of a GPT; a folder of Hugging Face's is a model"
yes 'the cat sat on the mat.' | head -n 50 >cats.txt || true
G="--data text:cats.txt --depth 1 --heads 2 --embd 16 --block 16 --batch 4 --seed 3 --quiet"
$gm train gpt $G --steps 12 --out g1.safetensors
$gm train gpt $G --steps 12 --threads 3 --out g2.safetensors
cmp g1.safetensors g2.safetensors
$gm train gpt $G --steps 12 --stop-after 5 --checkpoint g.ckpt --out never.safetensors
$gm train gpt --data text:cats.txt --quiet --resume g.ckpt --out g2.safetensors
cmp g1.safetensors g2.safetensors
$gm sample g1.safetensors --prompt "the cat" -n 50 --seed 2 >g1.txt
$gm sample g2.safetensors --prompt "the cat" -n 50 --seed 2 | cmp - g1.txt
$gm eval g1.safetensors --data text:cats.txt | grep -q '^nats_per_token '
$gm info "$vectors/gpt2" | grep -q 'vocabulary 7 tokens'
rm -f out.txt err.txt; before=$(ls -A | wc -l)
refused 1 sample "$vectors" -n 5
refused 2 train gpt $G --heads 3 --out x

echo "interrupt: exit 130, a checkpoint that goes on"
$gm train vae $small --epochs 100000 --out long.safetensors 2>err.txt & pid=$!
sleep 1; kill -INT $pid; set +e; wait $pid; code=$?; set -e
test $code = 130
tail -n 1 err.txt | grep -q '^gm: interrupted'
test -s long.safetensors.ckpt
test ! -e long.safetensors
$gm sample long.safetensors.ckpt -n 2 --out two.npy
rm -f full/x; echo done
