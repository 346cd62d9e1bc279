# Writes small pictures in formats that people have, and what Pillow reads of them as RGB (NAME.png).
import os
import numpy as np, tifffile, PIL
from PIL import Image, ImageOps

rng = np.random.default_rng(5)
def scene(h, w):
    y, x = np.mgrid[0:h, 0:w]
    a = np.stack([(x * 255 // max(w - 1, 1)), (y * 255 // max(h - 1, 1)), ((x + y) * 9) % 256], -1).astype(np.uint8)
    a[h // 3:h // 2, w // 4:w // 2] = (255, 0, 0)
    a[:2, :3] = 0
    return a

def done(name):
    try:
        Image.open(name).convert('RGB').save(name + '.png', optimize=True)
    except Exception as e: # what Pillow does not read is no test
        os.remove(name); print(name, e)

s = Image.fromarray(scene(21, 29))
s.save('lossy.webp', quality=80); done('lossy.webp')
Image.fromarray(scene(16, 16)).save('lossy_even.webp', quality=40); done('lossy_even.webp')
Image.fromarray(scene(1, 1)).save('lossy_one.webp'); done('lossy_one.webp')
Image.new('RGB', (8, 8), (0, 0, 0)).save('black.webp'); done('black.webp')
Image.new('RGB', (8, 8), (255, 0, 0)).save('red.webp'); done('red.webp')
rgba = s.convert('RGBA'); rgba.putalpha(Image.fromarray((np.arange(21 * 29).reshape(21, 29) % 256).astype(np.uint8)))
rgba.save('lossy_alpha.webp', quality=80); done('lossy_alpha.webp')
s.save('lossless.webp', lossless=True); done('lossless.webp')
frames = [Image.fromarray(np.roll(scene(20, 24), k, 1)) for k in range(3)]
frames[0].save('animated.webp', save_all=True, append_images=frames[1:], quality=80, duration=50); done('animated.webp')
frames[0].save('animated_lossless.webp', save_all=True, append_images=frames[1:], lossless=True, duration=50); done('animated_lossless.webp')
fa = [rgba.resize((12, 10)), rgba.resize((12, 10)).rotate(90)]
fa[0].save('animated_alpha.webp', save_all=True, append_images=fa[1:], quality=70, duration=50); done('animated_alpha.webp')
frames[0].save('animated.gif', save_all=True, append_images=frames[1:]); done('animated.gif')

c = rng.integers(0, 256, (11, 13, 4), dtype=np.uint8)
Image.fromarray(c, 'CMYK').save('cmyk.tif'); done('cmyk.tif')
Image.fromarray(c, 'CMYK').save('cmyk_lzw.tif', compression='tiff_lzw'); done('cmyk_lzw.tif')
f = (rng.random((9, 14)) * 300 - 20).astype(np.float32)
Image.fromarray(f).save('float.tif'); done('float.tif')
tifffile.imwrite('float_be.tif', f, byteorder='>'); done('float_be.tif')
tifffile.imwrite('float_deflate.tif', f, compression='zlib', predictor=False); done('float_deflate.tif')
tifffile.imwrite('float_predictor.tif', f, compression='zlib', predictor=True); done('float_predictor.tif')
tifffile.imwrite('float_tiles.tif', np.tile(f, (4, 3)), tile=(16, 16)); done('float_tiles.tif')
tifffile.imwrite('double.tif', f.astype(np.float64)); done('double.tif')
tifffile.imwrite('int32.tif', (f * 2).astype(np.int32)); done('int32.tif')
tifffile.imwrite('int16.tif', (f * 2).astype(np.int16)); done('int16.tif')
s.save('jpeg.tif', compression='jpeg'); done('jpeg.tif')
s.convert('L').save('jpeg_grey.tif', compression='jpeg'); done('jpeg_grey.tif')
big = scene(40, 50)
tifffile.imwrite('jpeg_strips.tif', big, photometric='ycbcr', compression='jpeg', compressionargs={'level': 85}, rowsperstrip=16, subsampling=(2, 2)); done('jpeg_strips.tif')
tifffile.imwrite('jpeg_tiles.tif', big, photometric='ycbcr', compression='jpeg', compressionargs={'level': 85}, tile=(16, 16), subsampling=(1, 1)); done('jpeg_tiles.tif')
tifffile.imwrite('jpeg_rgb.tif', big, photometric='rgb', compression='jpeg', compressionargs={'level': 90, 'outcolorspace': 'rgb'}); done('jpeg_rgb.tif')
tifffile.imwrite('rgb_planes.tif', np.moveaxis(big, -1, 0), photometric='rgb', planarconfig='separate'); done('rgb_planes.tif')
tifffile.imwrite('rgb_deflate_tiles.tif', big, photometric='rgb', compression='zlib', predictor=True, tile=(16, 32)); done('rgb_deflate_tiles.tif')
tifffile.imwrite('packbits.tif', big, photometric='rgb', compression='packbits'); done('packbits.tif')

for k in range(1, 9):
    e = Image.Exif(); e[0x112] = k
    s.save('exif%d.jpg' % k, exif=e, quality=90)
    s.save('exif%d.png' % k, exif=e) if k in (3, 6) else None
    s.save('exif%d.webp' % k, exif=e, lossless=True) if k in (5, 6) else None
import glob
for name in sorted(glob.glob('exif*.jpg') + glob.glob('exif?.png') + glob.glob('exif*.webp')):
    if name.endswith('.png'): continue
    m = ImageOps.exif_transpose(Image.open(name)).convert('RGB')
    m.save(name + '.upright.png', optimize=True)
ImageOps.exif_transpose(Image.open('exif6.png')).convert('RGB').save('exif6.png.upright.png', optimize=True)

# faxes, in which 0 is black or white
import struct
line = Image.fromarray(scene(15, 19)).convert('1')
for group in ('3', '4'):
    name = 'fax%s.tif' % group
    line.save(name, compression='group' + group); done(name)
    d = bytearray(open(name, 'rb').read())
    at = struct.unpack('<I', d[4:8])[0]
    for i in range(struct.unpack('<H', d[at:at + 2])[0]):
        e = at + 2 + 12 * i
        if struct.unpack('<H', d[e:e + 2])[0] == 262:
            d[e + 8:e + 10] = struct.pack('<H', 1 - struct.unpack('<H', d[e + 8:e + 10])[0])
    open('fax%s_white.tif' % group, 'wb').write(d); done('fax%s_white.tif' % group)

# GIFs: a transparent colour; a frame smaller than its screen
Image.fromarray(scene(15, 19)).quantize(30).save('transparent.gif', transparency=2); done('transparent.gif')
def small(name, trans, back, local):
    out = b'GIF89a' + struct.pack('<HHBBB', 9, 8, 0x81, back, 0) + bytes([v for k in range(4) for v in (k * 60, 255 - k * 60, k * 20)])
    if trans is not None:
        out += b'\x21\xf9\x04\x01\x00\x00' + bytes([trans]) + b'\x00'
    out += b'\x2c' + struct.pack('<HHHHB', 1, 2, 3, 2, 0x81 if local else 0)
    if local:
        out += bytes([v for k in range(4) for v in (255 - k * 50, k * 40, 77)])
    n = bits = 0; buf = bytearray()
    for c in [c for v in (0, 1, 2, 3, 2, 1) for c in (4, v)] + [5]:
        n |= c << bits; bits += 3
        while bits >= 8: buf.append(n & 255); n >>= 8; bits -= 8
    if bits: buf.append(n & 255)
    open(name, 'wb').write(out + b'\x02' + bytes([len(buf)]) + bytes(buf) + b'\x00\x3b'); done(name)
for i, c in enumerate([(None, 0, False), (None, 2, False), (3, 2, False), (1, 0, True), (None, 1, True)]):
    small('small%d.gif' % i, *c)
for name, m in (('grey_alpha.png', Image.fromarray(scene(9, 9)).convert('LA')), ('bits.png', line), ('palette.bmp', Image.fromarray(scene(9, 9)).quantize(16)), ('bits.bmp', line)):
    m.save(name); done(name)

# masks: 4 classes
m = np.zeros((12, 16), np.uint8); m[3:9, 4:12] = 1; m[5:7, 6:9] = 2; m[10:, 14:] = 3
Image.fromarray(m).save('mask_grey.png')
Image.fromarray((m == 1).astype(np.uint8) * 255).save('mask_255.png')
Image.fromarray((m == 1).astype(np.uint8) * 255).save('mask_255.jpg', quality=75)
Image.fromarray((m == 1)).convert('1').save('mask_1bit.png')
p = Image.fromarray(m).convert('L'); p = Image.fromarray(m, 'P')
pal = [0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0] + [0] * (768 - 12)
p.putpalette(pal); p.save('mask_voc.png')
p.convert('RGB').save('mask_rgb.png'); p.convert('RGB').save('mask_rgb.jpg', quality=95)
Image.fromarray(np.stack([m] * 3, -1)).save('mask_grey_as_rgb.png')
v = m.copy(); v[2, :] = 255; Image.fromarray(v).save('mask_void.png')
print(PIL.__version__, np.__version__, tifffile.__version__)
