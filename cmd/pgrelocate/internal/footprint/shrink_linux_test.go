package footprint

import (
	"os"
	"regexp"
	"strconv"
	"testing"
)

// fileKiB is how much of files the process has mapped and in memory.
func fileKiB(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`RssFile:\s+(\d+) kB`).FindSubmatch(status)
	if found == nil {
		t.Skip("this kernel does not tell RssFile")
	}
	kib, err := strconv.Atoi(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kib
}

func TestShrink(t *testing.T) {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	// Touch a page in every 64 KiB, the pieces in which the kernel maps.
	var sum byte
	for _, m := range mappings(program) {
		for i := 0; i < len(m); i += 64 << 10 {
			sum += m[i]
		}
	}
	before := fileKiB(t)
	Shrink()
	after := fileKiB(t)
	t.Logf("%d KiB before, %d after (%d)", before, after, sum)
	if after > before*3/4 {
		t.Errorf("Shrink() left %d of %d KiB of the program in memory", after, before)
	}
}

func TestReadOnlyTakesTheProgramOnly(t *testing.T) {
	for line, want := range map[string]int{
		"00400000-00402000 r-xp 00000000 fe:00 4711 /bin/program": 0x2000,
		"00400000-00402000 rw-p 00000000 fe:00 4711 /bin/program": 0,
		"00400000-00402000 r-xp 00000000 fe:00 4711 /lib/libc.so": 0,
		"00400000-00402000 r-xp 00000000 fe:00 0":                 0,
		"00402000-00400000 r-xp 00000000 fe:00 4711 /bin/program": 0,
		"x-y r-xp 00000000 fe:00 4711 /bin/program":               0,
	} {
		if got := len(readOnly(line, "/bin/program")); got != want {
			t.Errorf("readOnly(%q) has %d bytes, want %d", line, got, want)
		}
	}
}
