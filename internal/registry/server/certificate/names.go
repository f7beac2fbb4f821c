package certificate

import (
	"net"
	"net/netip"
	"os"
	"slices"
)

// Names are the names and addresses under which clients find a server that listens on host,
// which is empty or unspecified where it listens on all of the machine's addresses.
func Names(host string) ([]string, error) {
	var addresses []net.Addr
	if everywhere(host) {
		var err error
		if addresses, err = net.InterfaceAddrs(); err != nil {
			return nil, err
		}
	}
	machine, _ := os.Hostname() // a name that is not known is asked for by nobody
	return namesOf(host, machine, addresses), nil
}

// everywhere tells whether a server with that host listens on all addresses.
func everywhere(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "" || err == nil && ip.IsUnspecified()
}

// namesOf puts the names together, each once, those that clients are likeliest to use first.
// Addresses that are good on one link only are left out: clients would have to name the link
// with them, and change often.
func namesOf(host, machine string, addresses []net.Addr) []string {
	var names []string
	add := func(name string) {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		host = ip.WithZone("").String() // no certificate has zones
	}
	if !everywhere(host) {
		add(host)
	}
	for _, address := range addresses {
		if network, ok := address.(*net.IPNet); ok && network.IP.IsGlobalUnicast() {
			add(network.IP.String())
		}
	}
	for _, always := range []string{machine, "localhost", "127.0.0.1", "::1"} {
		add(always)
	}
	return names
}
