package write

import v1 "github.com/google/go-containerregistry/pkg/v1"

// What the tests, which open what they write and so stand outside of the package, need of it.
const (
	PartSize  = partSize
	NoteEvery = noteEvery
)

var (
	MoveAway    = moveAway
	BundleFiles = bundleFiles
)

// EndAt lets a run end, as a kill would end it, before the nth change that it makes once all
// blobs are there. It tells whether there are so many.
func EndAt(o *Options, n int, err error) (reached func() bool) {
	at := -1
	o.step = func(string) error {
		if at++; at == n {
			return err
		}
		return nil
	}
	return func() bool { return at >= n }
}

// Parts are where a stream cuts blobs of these sizes, as FROM and TO.
func Parts(jobs int, size int64, blobs ...int64) (parts [][2]int64) {
	l := &layout{}
	for _, b := range blobs {
		l.blobs = append(l.blobs, span{descriptor: v1.Descriptor{Size: b}})
	}
	s := &streamer{layout: l, opts: Options{Jobs: jobs}}
	for _, p := range s.cut(size) {
		parts = append(parts, [2]int64{p.from, p.to})
	}
	return parts
}
