package gpu

import (
	"fmt"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// Write copies src to the card. The bytes are in page-locked memory when it returns, so that the copy goes on
// beside whatever the host does.
func (q *queue) Write(dst device.Buffer, src *tensor.Tensor) device.Event {
	q.work.Lock()
	defer q.work.Unlock()
	q.stats.Writes++
	q.stats.Up += device.SpecOf(src).Bytes()
	return q.end(q.write(dst, src))
}

func (q *queue) write(dst device.Buffer, src *tensor.Tensor) error {
	bs, err := q.begin(dst)
	if err != nil {
		return err
	}
	b := bs[0]
	if !b.spec.Fits(device.SpecOf(src)) {
		return fmt.Errorf("%s: write: %v %v does not fit %v %v", q.dev.card.Driver, src.DType(), src.Shape(), b.spec.DType, b.spec.Shape)
	}
	if q.Overlaps(b.bytes) {
		return q.upAside(b, bytesOf(src))
	}
	if err := q.gather(); err != nil {
		return err
	}
	return q.up(b.at(), bytesOf(src))
}

// up queues the copy of bytes to the card.
func (q *queue) up(to Ptr, from []byte) error { return q.upBy(q.stream, to, from) }

func (q *queue) upBy(s Stream, to Ptr, from []byte) error {
	for len(from) > 0 {
		n := min(len(from), mostStaged)
		h, err := q.stage(n)
		if err != nil {
			return err
		}
		copyBytes(h, from[:n])
		if err := s.Upload(to, h); err != nil {
			return err
		}
		to.Off += int64(n)
		to.Len -= int64(n)
		from = from[n:]
	}
	return nil
}

// Read copies src to a host array. What comes down is in page-locked memory first and in dst when somebody
// waited for it.
func (q *queue) Read(dst *tensor.Tensor, src device.Buffer) device.Event {
	q.work.Lock()
	defer q.work.Unlock()
	q.stats.Reads++
	q.stats.Down += device.SpecOf(dst).Bytes()
	return q.end(q.read(dst, src))
}

func (q *queue) read(dst *tensor.Tensor, src device.Buffer) error {
	bs, err := q.begin(src)
	if err != nil {
		return err
	}
	b := bs[0]
	if !b.spec.Fits(device.SpecOf(dst)) {
		return fmt.Errorf("%s: read: %v %v does not fit %v %v", q.dev.card.Driver, b.spec.DType, b.spec.Shape, dst.DType(), dst.Shape())
	}
	if err := q.gather(); err != nil {
		return err
	}
	from, to := b.at(), bytesOf(dst)
	for len(to) > 0 {
		n := min(len(to), mostStaged)
		h, err := q.stage(n)
		if err != nil {
			return err
		}
		if err := q.stream.Download(h, from); err != nil {
			return err
		}
		q.reads = append(q.reads, pendingRead{q.n, to[:n], h, dst})
		from.Off += int64(n)
		from.Len -= int64(n)
		to = to[n:]
	}
	return nil
}

// Copy copies a stretch of one buffer to another's.
func (q *queue) Copy(dst device.Buffer, at int, src device.Buffer, from, n int) device.Event {
	q.work.Lock()
	defer q.work.Unlock()
	q.stats.Copies++
	q.stats.Within += int64(n * src.Spec().DType.Size())
	return q.end(q.copy(dst, at, src, from, n))
}

func (q *queue) copy(dst device.Buffer, at int, src device.Buffer, from, n int) error {
	bs, err := q.begin(dst, src)
	if err != nil {
		return err
	}
	if err := device.CheckCopy(bs[0].spec, at, bs[1].spec, from, n); err != nil {
		return fmt.Errorf("%s: %w", q.dev.card.Driver, err)
	}
	size := int64(bs[0].spec.DType.Size())
	if n == 0 {
		return nil
	}
	if err := q.gather(); err != nil {
		return err
	}
	return q.stream.Copy(bs[0].at().from(int64(at)*size), bs[1].at().from(int64(from)*size), int64(n)*size)
}

// First is the first bytes of p.
func (p Ptr) First(bytes int64) Ptr { return Ptr{p.Mem, p.Off, bytes} }

// from is what of p is behind its first bytes.
func (p Ptr) from(bytes int64) Ptr { return Ptr{p.Mem, p.Off + bytes, p.Len - bytes} }

// Clear zeroes a buffer.
func (q *queue) Clear(b device.Buffer) device.Event {
	q.work.Lock()
	defer q.work.Unlock()
	q.stats.Clears++
	bs, err := q.begin(b)
	if err == nil {
		err = q.gather()
	}
	if err == nil && bs[0].bytes > 0 {
		err = q.stream.Fill(bs[0].at(), 0, bs[0].bytes)
	}
	return q.end(err)
}
