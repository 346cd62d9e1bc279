# fastai's learn.save writes {'model': state_dict, 'opt': optimizer.state_dict()} with torch.save, or the state_dict
# alone; the optimizer has two groups of parameters for each layer group, those that decay and the others.
import torch, json
from torch import nn
torch.manual_seed(3); torch.set_num_threads(1)
body = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 5, 3, stride=2, padding=1), nn.ReLU())
head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.BatchNorm1d(5), nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 3))
m = nn.Sequential(body, head)
def groups(ls):
    out = []
    for l in ls:
        a, b = [], []
        for c in l.modules():
            if isinstance(c, (nn.BatchNorm1d, nn.BatchNorm2d)): b += list(c.parameters())
            elif isinstance(c, (nn.Conv2d, nn.Linear)):
                a.append(c.weight)
                if c.bias is not None: b.append(c.bias)
        out += [{'params': a, 'lr': 0}, {'params': b, 'lr': 0}]
    return out
lr, mom, wd = 1e-2, .9, 1e-2
opt = torch.optim.Adam(groups([body, head]), betas=(mom, .99))
xs = [torch.rand(4, 3, 6, 6) for _ in range(3)]; ys = [torch.randint(0, 3, (4,)) for _ in range(3)]
def step(x, y):
    m.train(); opt.zero_grad()
    loss = nn.functional.cross_entropy(m(x), y); loss.backward()
    for g in opt.param_groups:
        g['lr'] = lr
        for p in g['params']: p.data.mul_(1 - wd * lr)   # true weight decay, batch norm and biases too
    opt.step(); return loss.item()
losses = [step(xs[0], ys[0]), step(xs[1], ys[1])]
import collections
def clean(sd): return sd
torch.save({'model': m.state_dict(), 'opt': opt.state_dict()}, 'fastai_stage.pth')
torch.save({'model': m.state_dict(), 'opt': opt.state_dict()}, 'fastai_stage_legacy.pth', _use_new_zipfile_serialization=False)
torch.save(m.state_dict(), 'fastai_weights.pth')
# what older versions of PyTorch write: parameters by their address, steps as numbers
sd = opt.state_dict(); ids = {}
for g in sd['param_groups']: g['params'] = [ids.setdefault(i, 139915000000000 + 7919 * (97 * i % 31)) for i in g['params']]
sd['state'] = {ids[i]: dict(s, step=int(s['step'])) for i, s in sd['state'].items()}
torch.save({'model': m.state_dict(), 'opt': sd}, 'fastai_stage_old.pth', _use_new_zipfile_serialization=False)
with torch.no_grad():
    m.eval(); out = m(xs[2]).tolist()
losses.append(step(xs[2], ys[2]))
with torch.no_grad():
    m.eval(); after = m(xs[2]).tolist()
json.dump({'torch': torch.__version__, 'x': xs[2].flatten().tolist(), 'y': ys[2].tolist(), 'out': out, 'loss': losses[2], 'after': after}, open('fastai_stage.json', 'w'))
# an export.pkl: a pickled module
torch.save({'model': m, 'data': {}}, 'fastai_export.pkl')
print(torch.__version__, losses)
