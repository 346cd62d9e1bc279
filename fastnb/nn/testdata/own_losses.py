# Losses of one's own as PyTorch computes them: value, gradient by the predictions, and losses of single items.
import torch, json
import torch.nn.functional as F
torch.manual_seed(11)
out = {}
def put(name, x, y, f):
    x = x.clone().requires_grad_(True)
    l = f(x, y); l.backward()
    per = [f(x[i:i+1].detach(), y[i:i+1]).item() for i in range(len(x))]
    out[name] = {'x': x.detach().flatten().tolist(), 'xshape': list(x.shape), 'y': y.flatten().tolist(), 'yshape': list(y.shape),
        'whole': not y.is_floating_point(), 'value': l.item(), 'dx': x.grad.flatten().tolist(), 'per': per}
x, t = torch.randn(5, 4) * 2, torch.randn(5, 4)
lab = (torch.rand(5, 4) > .5).float()
cls = torch.tensor([0, 3, 1, 1, 2])
put('huber', x, t, lambda x, y: F.huber_loss(x, y))
put('logcosh', x, t, lambda x, y: torch.log(torch.cosh(x - y)).mean())
put('poisson', x, lab, lambda x, y: F.poisson_nll_loss(x, y, log_input=True, full=False))
put('focal', x, cls, lambda x, y: (lambda lp: (-(1 - lp.exp())**2 * lp).mean())(F.log_softmax(x, 1).gather(1, y[:, None]).squeeze(1)))
put('dice', x, lab, lambda x, y: 1 - (2 * (x.sigmoid() * y).sum() + 1) / (x.sigmoid().sum() + y.sum() + 1))
put('relative', x, t + 5, lambda x, y: (torch.sqrt((x / y - 1)**2 + .1)).mean())
put('power', x.abs() + .1, t.abs() + .1, lambda x, y: (x**1.5 - y).abs().mean())
put('pos_weight', x, lab, lambda x, y: F.binary_cross_entropy_with_logits(x, y, pos_weight=torch.tensor([1., 3., .5, 2.])))
put('pos_weight_one', x, lab, lambda x, y: F.binary_cross_entropy_with_logits(x, y, pos_weight=torch.tensor(4.)))
seg, mask = torch.randn(2, 3, 4, 2), torch.randint(0, 3, (2, 1, 4, 2))
put('segmentation', seg, mask, lambda x, y: (-(F.one_hot(y.squeeze(1), 3).permute(0, 3, 1, 2) * F.log_softmax(x, 1)).sum(1)).mean())
json.dump(out, open('own_losses.json', 'w'))
print(torch.__version__, {k: v['value'] for k, v in out.items()})
