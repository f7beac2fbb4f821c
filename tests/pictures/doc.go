// Package pictures makes the pictures of a terminal that the documentation shows: the program is run
// in a terminal of 80 columns, against real registries, and what is on the screen then is drawn as SVG.
//
//	go test ./tests/pictures -update
//
// renews docs/pictures; without -update the test says where they show something else than the program
// does. What is another one in each run, how long it took and how fast it was, stays in the picture as it was seen,
// and is not compared. Only ports are others than they were: 5001 is the vendor's registry, 5000 the private one.
package pictures
