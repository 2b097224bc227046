"""ops_linalg.py - reference functions of the ops on matrices; see ops.py. Results lie side by side as in src/ops/linalg.h."""
import torch


def symmetric(a):
    return (a + a.mT) / 2


def sign(rows):
    """+1 or -1 for each row: makes its largest component positive."""
    if rows.numel() == 0:
        return torch.ones(rows.shape[:-1] + (1,), dtype=rows.dtype)
    s = torch.sign(rows.gather(-1, rows.abs().argmax(-1, keepdim=True))).detach()
    return torch.where(s < 0, -torch.ones_like(s), torch.ones_like(s))


def solve_triangular(x, i, f):
    upper, transposed, unit = [bool(v) for v in (i + [0, 0, 0])[:3]]
    a = torch.triu(x[0]) if upper else torch.tril(x[0])
    return torch.linalg.solve_triangular(a.mT if transposed else a, x[1], upper=upper != transposed, unitriangular=unit)


def slogdet(x, i, f):
    s, l = torch.linalg.slogdet(x[0])
    return torch.stack([l, s.detach()], -1).unsqueeze(-2)


def eigh(x, i, f):
    a = symmetric(x[0])
    if not (i and i[0]):
        return torch.linalg.eigvalsh(a).unsqueeze(-1)
    w, v = torch.linalg.eigh(a)
    rows = v.mT
    return torch.cat([w.unsqueeze(-1), rows * sign(rows)], -1)


def svd(x, i, f):
    if not (i and i[0]):
        return torch.linalg.svdvals(x[0]).unsqueeze(-1)
    u, s, vt = torch.linalg.svd(x[0], full_matrices=False)
    g = sign(vt)
    return torch.cat([s.unsqueeze(-1), u.mT * g, vt * g], -1)


def qr(x, i, f):
    q, r = torch.linalg.qr(x[0])
    g = torch.sign(torch.diagonal(r, dim1=-2, dim2=-1)).detach().unsqueeze(-1)
    return torch.cat([q.mT * g, r * g], -1)


OPS = {
    "cholesky": lambda x, i, f: torch.linalg.cholesky(symmetric(x[0])), "solve_triangular": solve_triangular,
    "solve": lambda x, i, f: torch.linalg.solve(x[0], x[1]), "slogdet": slogdet, "eigh": eigh, "svd": svd, "qr": qr,
}


def spectral_norm(x, i, f):
    w, u, v = x
    rows = w.transpose(0, 1) if i and i[0] else w
    return w / (u.detach() @ rows.reshape(len(u), -1) @ v.detach())


OPS["spectral_norm"] = spectral_norm
