package api

// Nearest gives the known word that needs the fewest changes to become the given one, if they are few; "" when none is near.
func Nearest(word string, known []string) string {
	best, fewest := "", min(3, len(word)/3+1)
	for _, k := range known {
		if d := distance(word, k); d < fewest || d == fewest && best != "" && k < best {
			best, fewest = k, d
		}
	}
	return best
}

// distance counts the letters to insert, delete or replace to turn a into b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
