package write

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
