package bundle

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
)

// errVolumeMissing: the numbers of the volumes have a gap, or end too early.
var errVolumeMissing = errors.New("is missing")

var volumePattern = regexp.MustCompile(`^(.+)\.(\d{3,6})$`)

// findVolumes lists the files of a bundle in their order: path alone, or all volumes of
// which path or one of more is one. A gap in their numbers is an error that names it.
func findVolumes(path string, more []string) ([]string, error) {
	_, err := os.Stat(path)
	numbered := volumePattern.MatchString(path)
	if err == nil && !numbered && len(more) == 0 {
		return []string{path}, nil
	}
	given := append([]string{path}, more...)
	if err != nil && !numbered {
		beside := volumesIn(path)
		if len(beside) == 0 {
			return nil, err
		}
		given = append(more, beside...)
	}
	return orderVolumes(given)
}

// orderVolumes completes and sorts volumes by their numbers.
func orderVolumes(given []string) ([]string, error) {
	found := make(map[int]string)
	base := ""
	for _, name := range given {
		match := volumePattern.FindStringSubmatch(name)
		if match == nil {
			return nil, fmt.Errorf("%s is no volume: those end in .001, .002 and so on", name)
		}
		if base != "" && filepath.Base(match[1]) != base {
			return nil, fmt.Errorf("%s is a volume of another bundle than %s", name, base)
		}
		base = filepath.Base(match[1])
		for _, beside := range append([]string{name}, volumesIn(match[1])...) {
			n, _ := strconv.Atoi(volumePattern.FindStringSubmatch(beside)[2])
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
			return nil, fmt.Errorf("volume %s %w", volumeName(given[0], i+1), errVolumeMissing)
		}
		names[i] = found[n]
	}
	return names, nil
}

// volumesIn lists the volumes of base that lie beside it.
func volumesIn(base string) []string {
	entries, err := os.ReadDir(filepath.Dir(base))
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		match := volumePattern.FindStringSubmatch(e.Name())
		if match != nil && match[1] == filepath.Base(base) {
			names = append(names, filepath.Join(filepath.Dir(base), e.Name()))
		}
	}
	return names
}

// volumeName is the name of the volume n beside another.
func volumeName(other string, n int) string {
	match := volumePattern.FindStringSubmatch(other)
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

// readVolumes opens volumes for reading. All but the last have the same size.
func readVolumes(names []string) (*volumes, error) {
	v := &volumes{}
	for i, name := range names {
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
			err = fmt.Errorf("%w: volume %s has fewer bytes than the first", errTruncated, names[i-1])
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

// nameMissing says which volume a truncated bundle wants.
func nameMissing(names []string, v *volumes, err error) error {
	last := names[len(names)-1]
	if !volumePattern.MatchString(last) || v.size%v.each != 0 {
		return err
	}
	next := volumeName(last, len(names)+1)
	return fmt.Errorf("volume %s %w: %w", strings.TrimPrefix(next, "./"), errVolumeMissing, err)
}
