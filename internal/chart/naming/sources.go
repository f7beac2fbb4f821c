package naming

import "strings"

// namesAny tells whether a line names one of the sources, HOST or HOST/PATH. What lies below
// the target, HOST or HOST/PATH too, is not counted, so that a relocation inside one registry
// can be checked.
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
