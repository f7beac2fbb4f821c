package volumes

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/files"
)

// Errors that callers tell apart with errors.Is.
var (
	// ErrMissing: the numbers of the volumes have a gap, or end too early.
	ErrMissing = errors.New("is missing")
	// ErrTruncated: the end of a file is missing.
	ErrTruncated = errors.New("truncated")
)

var pattern = regexp.MustCompile(`^(.+)\.(\d{3,6})$`)

// Find lists the files of a bundle in their order: path alone, or all volumes of
// which path or one of more is one. A gap in their numbers is an error that names it.
func Find(path string, more []string) ([]string, error) {
	_, err := os.Stat(path)
	numbered := pattern.MatchString(path)
	if err == nil && !numbered && len(more) == 0 {
		return []string{path}, nil
	}
	given := append([]string{path}, more...)
	if err != nil && !numbered {
		beside := Beside(path)
		if len(beside) == 0 {
			return nil, err
		}
		given = append(more, beside...)
	}
	return order(given)
}

// order completes and sorts volumes by their numbers.
func order(given []string) ([]string, error) {
	found := make(map[int]string)
	base := ""
	for _, name := range given {
		match := pattern.FindStringSubmatch(name)
		if match == nil {
			return nil, fmt.Errorf("%s is no volume: those end in .001, .002 and so on", name)
		}
		if base != "" && filepath.Base(match[1]) != base {
			return nil, fmt.Errorf("%s is a volume of another bundle than %s", name, base)
		}
		base = filepath.Base(match[1])
		for _, beside := range append([]string{name}, Beside(match[1])...) {
			n, _ := strconv.Atoi(pattern.FindStringSubmatch(beside)[2])
			if other, ok := found[n]; ok && !sameFile(other, beside) {
				return nil, fmt.Errorf("%s and %s are the same volume", other, beside)
			}
			found[n] = beside
		}
	}
	numbers := slices.Sorted(maps.Keys(found))
	names := make([]string, len(numbers))
	for i, n := range numbers {
		if n != i+1 {
			return nil, fmt.Errorf("volume %s %w", nameOf(given[0], i+1), ErrMissing)
		}
		names[i] = found[n]
	}
	return names, nil
}

// Beside lists the volumes of the file base that lie where it does, or would.
func Beside(base string) []string {
	entries, err := os.ReadDir(filepath.Dir(base))
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		match := pattern.FindStringSubmatch(e.Name())
		if match != nil && match[1] == filepath.Base(base) {
			names = append(names, filepath.Join(filepath.Dir(base), e.Name()))
		}
	}
	return names
}

// nameOf is the name of the volume n beside another.
func nameOf(other string, n int) string {
	match := pattern.FindStringSubmatch(other)
	if match == nil {
		return fmt.Sprintf("%s.%03d", other, n)
	}
	return fmt.Sprintf("%s.%0*d", match[1], len(match[2]), n)
}

func sameFile(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// Read opens volumes, as Find lists them, for reading. All but the last have the same size.
// The caller closes the set.
func Read(names []string) (*Set, error) {
	v := &Set{}
	for i, name := range names {
		if err := files.CheckRegular(name); err != nil {
			return nil, errors.Join(err, v.Close())
		}
		f, err := os.Open(name)
		if err != nil {
			return nil, errors.Join(err, v.Close())
		}
		v.files = append(v.files, f)
		info, err := f.Stat()
		if err == nil && !info.Mode().IsRegular() {
			err = fmt.Errorf("%s is no regular file", name)
		}
		if err == nil && i > 0 && info.Size() > v.each {
			err = fmt.Errorf("volume %s has %d bytes, more than the first with %d", name, info.Size(), v.each)
		}
		if err == nil && i > 0 && v.size != int64(i)*v.each {
			err = fmt.Errorf("%w: volume %s has fewer bytes than the first", ErrTruncated, names[i-1])
		}
		if err != nil {
			return nil, errors.Join(err, v.Close())
		}
		if i == 0 {
			v.each = max(1, info.Size())
		}
		v.size += info.Size()
	}
	return v, nil
}

// NameMissing says which volume is wanted where what the set holds turned out to be
// truncated, which is err; names are the set's.
func NameMissing(names []string, v *Set, err error) error {
	last := names[len(names)-1]
	if !pattern.MatchString(last) || v.size%v.each != 0 {
		return err
	}
	next := nameOf(last, len(names)+1)
	return fmt.Errorf("volume %s %w: %w", strings.TrimPrefix(next, "./"), ErrMissing, err)
}

// Number is that of a volume, by its name; 0 for a file that is none.
func Number(name string) int {
	match := pattern.FindStringSubmatch(name)
	if match == nil {
		return 0
	}
	n, err := strconv.Atoi(match[2])
	if err != nil {
		return 0
	}
	return n
}

// Named lists the files called path or path.001 and so on, each followed by suffix.
func Named(path, suffix string) []string {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), suffix)
		if !ok || e.IsDir() {
			continue
		}
		match := pattern.FindStringSubmatch(name)
		if name == filepath.Base(path) || match != nil && match[1] == filepath.Base(path) {
			names = append(names, filepath.Join(filepath.Dir(path), e.Name()))
		}
	}
	return names
}
