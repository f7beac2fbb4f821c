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
