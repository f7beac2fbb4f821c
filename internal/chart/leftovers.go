package chart

import (
	"strings"
)

// Leftover is a string of a rendering that still names the source registry.
type Leftover struct {
	Use
	// Text is the line of the string that names it.
	Text string
}

// Leftovers finds every string of the rendering that names one of the sources, HOST or
// HOST/PATH, CustomResourceDefinitions left out. What lies below the target, HOST or
// HOST/PATH too, is not counted, so that a relocation inside one registry can be checked.
func (r *Rendering) Leftovers(sources []string, target string) []Leftover {
	var left []Leftover
	for _, object := range r.Objects {
		if object.IsCRD() {
			continue
		}
		visit("", object.Object, func(path, text string) {
			for line := range strings.Lines(text) {
				if namesAny(line, sources, target) {
					left = append(left, Leftover{Use: use(object, path), Text: strings.TrimSpace(line)})
					return
				}
			}
		})
	}
	return left
}

func namesAny(line string, sources []string, target string) bool {
	for _, source := range sources {
		for rest, offset := line, 0; ; {
			at := strings.Index(rest, source)
			if at < 0 {
				break
			}
			begin := offset + at
			if isWhole(line, begin, source) && !(len(target) > len(source) && startsWith(line[begin:], target)) {
				return true
			}
			offset = begin + 1
			rest = line[offset:]
		}
	}
	return false
}

// isWhole tells whether name stands at begin as a whole: not as the end of a longer
// host, "not-example.com", nor as the beginning of one, "example.com.evil".
func isWhole(line string, begin int, name string) bool {
	if begin > 0 && isNameByte(line[begin-1]) {
		return false
	}
	return startsWith(line[begin:], name)
}

func startsWith(text, name string) bool {
	rest, ok := strings.CutPrefix(text, name)
	if !ok {
		return false
	}
	// A dot goes on with the host only where a name follows: it may end a sentence.
	if strings.HasPrefix(rest, ".") {
		return len(rest) == 1 || !isNameByte(rest[1])
	}
	return rest == "" || !isNameByte(rest[0])
}

func isNameByte(b byte) bool {
	return b == '.' || b == '-' || b == '_' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}
