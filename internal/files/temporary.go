package files

import "os"

// Unnamed is a temporary file in folder, os.TempDir where that is empty, which vanishes
// with the process. The caller closes it.
func Unnamed(folder string) (*os.File, error) {
	f, err := os.CreateTemp(folder, "pgrelocate-*")
	if err != nil {
		return nil, err
	}
	// Where open files cannot be removed it stays until somebody cleans up.
	_ = os.Remove(f.Name())
	return f, nil
}
