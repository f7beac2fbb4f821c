//go:build !unix

package files

// NoFollow is a flag for os.OpenFile that lets it fail for a link, where the system has one.
const NoFollow = 0
