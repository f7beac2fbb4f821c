package advice

import (
	"errors"
	"os"
	"syscall"

	"github.com/pgrelocate/pgrelocate/internal/files"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/archive"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/volumes"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/write"
)

// advices are errors with what to do about them; the first that fits counts.
type advices []struct {
	err  error
	hint string
}

func (a advices) of(err error) string {
	for _, known := range a {
		if errors.Is(err, known.err) {
			return known.hint
		}
	}
	return ""
}

const moreRoom = "name a folder with more room: --spool-dir FOLDER, or TMPDIR in the environment"

var opening = advices{
	{archive.ErrNoSpace, moreRoom},
	{syscall.ENOSPC, moreRoom},
	{syscall.EFBIG, moreRoom},
	{archive.ErrLinked, "put the files themselves in the place of links: cp -rL FOLDER COPY does in a folder, tar --dereference in an archive"},
	{archive.ErrPacked, "unpack it yourself, with gunzip, if you believe it"},
	{bundle.ErrNoName, "say it with --name HOST/REPOSITORY:TAG"},
	{volumes.ErrMissing, "volumes on other disks are named too, behind the first: pgrelocate load FILE FILE"},
	{archive.ErrMixed, "a volume may belong to another bundle: compare them with the checksum file, sha256sum -c"},
	{archive.ErrTruncated, "the file was not copied to its end: compare its size, or run sha256sum -c on the checksum file beside it"},
}

var writing = advices{
	{write.ErrStray, "choose another name, or move that file away"},
	{write.ErrFolder, "name a file in it"},
	{os.ErrExist, "choose another name, or allow it to be replaced with --overwrite"},
	{write.ErrNoSpace, "free some space, choose another folder, or select fewer versions"},
	{syscall.EFBIG, "this disk takes no file as large; split the bundle with --volume-size"},
	{syscall.ENOSPC, "free some space and run it again: it goes on from here"},
}

var using = advices{
	{bundle.ErrIncomplete, "load the bundle that came before, or save again with --since and what `pgrelocate receipt` writes here"},
	{bundle.ErrPassword, "PGRELOCATE_SIGNING_PASSWORD holds the password"},
}

// aboutBundle is for what goes wrong with the files that cross an air gap.
func aboutBundle(err error) string {
	var open *bundle.OpenError
	if errors.As(err, &open) {
		return opening.of(open)
	}
	var written *write.BundleError
	if errors.As(err, &written) {
		return writing.of(written)
	}
	var exists *files.ExistsError
	if errors.As(err, &exists) {
		return writing.of(exists)
	}
	var outside *bundle.OutsideError
	if errors.As(err, &outside) {
		return "look at it with `pgrelocate bundle inspect`; --registry HOST/FOLDER puts it into a folder, --any-target where it says"
	}
	return using.of(err)
}
