/*
 * idn.c - lower case beyond ASCII and Punycode. See idn.h.
 *
 * towlower() is not used: its answers depend on the locale files that are
 * installed, and two hosts must not disagree about an address. The scripts with
 * capital letters that registries offer are few, and the table has them.
 */
#include <limits.h>
#include <stdint.h>

#include "lib/base/utf8.h"
#include "idn.h"

#define LABEL_MAX 63 /* RFC 1035 section 2.3.4 */

/* Capitals: every step-th code point from first to last, small = it + add. */
static const struct capitals {
	uint32_t first, last, step;
	int add;
} capitals[] = {
    {'A', 'Z', 1, 32}, {0xC0, 0xD6, 1, 32}, /* Latin-1 */
    {0xD8, 0xDE, 1, 32}, {0x100, 0x12E, 2, 1}, /* Latin Extended-A and -B */
    {0x132, 0x136, 2, 1}, {0x139, 0x147, 2, 1}, {0x14A, 0x176, 2, 1},
    {0x178, 0x178, 1, -121}, {0x179, 0x17D, 2, 1}, {0x1CD, 0x1DB, 2, 1},
    {0x1DE, 0x1EE, 2, 1}, {0x1F8, 0x21E, 2, 1}, {0x222, 0x232, 2, 1},
    {0x386, 0x386, 1, 38}, /* Greek */
    {0x388, 0x38A, 1, 37}, {0x38C, 0x38C, 1, 64}, {0x38E, 0x38F, 1, 63},
    {0x391, 0x3A1, 1, 32}, {0x3A3, 0x3AB, 1, 32},
    {0x400, 0x40F, 1, 80}, /* Cyrillic */
    {0x410, 0x42F, 1, 32}, {0x460, 0x480, 2, 1}, {0x48A, 0x4BE, 2, 1},
    {0x4C1, 0x4CD, 2, 1}, {0x4D0, 0x52E, 2, 1},
    {0x531, 0x556, 1, 48}, /* Armenian */
    {0x1E00, 0x1E94, 2, 1}, /* Latin Extended Additional */
    {0x1E9E, 0x1E9E, 1, -7615}, {0x1EA0, 0x1EFE, 2, 1},
    {0xFF21, 0xFF3A, 1, 32}, /* full-width */
};

static uint32_t
idn_lower_char(uint32_t c)
{
	const struct capitals *row;
	size_t i;

	for (i = 0; i < sizeof(capitals) / sizeof(capitals[0]); i++) {
		row = &capitals[i];
		if (c < row->first)
			break;
		if (c <= row->last && (c - row->first) % row->step == 0)
			return (uint32_t)((int64_t)c + row->add);
	}
	return c;
}

int
idn_lower(struct span text, char *out, size_t size)
{
	size_t used = 0, taken, n, i;
	uint32_t c;
	char put[UTF8_MAX];

	for (i = 0; i < text.len; i += taken) {
		taken = utf8_get(span_between(text.p + i, span_end(text)), &c);
		if (taken == 0) {
			put[0] = text.p[i];
			taken = n = 1;
		} else
			n = utf8_put(idn_lower_char(c), put);
		if (size - used <= n || used + n > INT_MAX)
			return -1;
		memcpy(out + used, put, n);
		used += n;
	}
	if (used >= size)
		return -1;
	out[used] = '\0';
	return (int)used;
}

/* --- Punycode, RFC 3492 sections 5 and 6 --- */

#define BASE 36
#define TMIN 1
#define TMAX 26

static uint32_t
idn_adapt(uint32_t delta, uint32_t count, int first)
{
	uint32_t k = 0;

	delta = first ? delta / 700 : delta / 2;
	delta += delta / count;
	for (; delta > (BASE - TMIN) * TMAX / 2; k += BASE)
		delta /= BASE - TMIN;
	return k + (BASE - TMIN + 1) * delta / (delta + 38);
}

static char
idn_digit(uint32_t d)
{
	return (char)(d < 26 ? 'a' + d : '0' + d - 26);
}

/* Appends one variable-length number; 0 when the label gets too long. */
static size_t
idn_put_number(uint32_t q, uint32_t bias, char *out, size_t used)
{
	uint32_t k, t;

	for (k = BASE;; k += BASE) {
		t = k <= bias ? TMIN : k >= bias + TMAX ? TMAX : k - bias;
		if (used == LABEL_MAX)
			return 0;
		if (q < t)
			break;
		out[used++] = idn_digit(t + (q - t) % (BASE - t));
		q = (q - t) / (BASE - t);
	}
	out[used++] = idn_digit(q);
	return used;
}

/* The smallest code point that is not below least. */
static uint32_t
idn_smallest_from(const uint32_t *c, size_t n, uint32_t least)
{
	uint32_t best = UINT32_MAX;
	size_t i;

	for (i = 0; i < n; i++)
		if (c[i] >= least && c[i] < best)
			best = c[i];
	return best;
}

/*
 * Encodes n (at most LABEL_MAX) code points as "xn--...". Returns the length, 0
 * when it passes LABEL_MAX. delta cannot overflow: it starts anew with each
 * number put, and 0x10FFFF * LABEL_MAX is far below 2^32.
 */
static size_t
idn_punycode(const uint32_t *c, size_t n, char out[LABEL_MAX])
{
	uint32_t delta = 0, at = 0x80, bias = 72, next;
	size_t used = 4, done, basic, i;

	memcpy(out, "xn--", 4);
	for (i = 0; i < n; i++)
		if (c[i] < 0x80 && used < LABEL_MAX)
			out[used++] = (char)c[i];
	basic = done = used - 4;
	if (basic > 0 && used < LABEL_MAX)
		out[used++] = '-';
	while (done < n) {
		next = idn_smallest_from(c, n, at);
		delta += (next - at) * (uint32_t)(done + 1);
		at = next;
		for (i = 0; i < n; i++) {
			if (c[i] < at)
				delta++;
			if (c[i] != at)
				continue;
			used = idn_put_number(delta, bias, out, used);
			if (used == 0)
				return 0;
			done++;
			bias =
			    idn_adapt(delta, (uint32_t)done, done == basic + 1);
			delta = 0;
		}
		delta++;
		at++;
	}
	return used;
}

/* Writes the A-label of a lower-case label; 0 when it is best left alone. */
static size_t
idn_label_encode(struct span label, char out[LABEL_MAX])
{
	uint32_t c[LABEL_MAX];
	size_t n = 0, i, taken;
	int ascii = 1;

	for (i = 0; i < label.len; i += taken) {
		taken =
		    utf8_get(span_between(label.p + i, span_end(label)), &c[n]);
		if (taken == 0 || ++n == LABEL_MAX)
			return 0;
		if (taken > 1)
			ascii = 0;
	}
	return ascii ? 0 : idn_punycode(c, n, out);
}

int
idn_domain(struct span domain, char *out, size_t size)
{
	char small[1024], encoded[LABEL_MAX];
	struct span label;
	size_t used = 0, n;
	int len;
	char *dot;

	len = idn_lower(domain, small, sizeof(small));
	if (len == -1)
		return -1;
	label.p = small;
	for (;;) {
		n = (size_t)(small + len - label.p);
		dot = memchr(label.p, '.', n);
		label.len = dot != NULL ? (size_t)(dot - label.p) : n;
		n = idn_label_encode(label, encoded);
		if (n > 0)
			label.len = n;
		if (size - used <= label.len + (dot != NULL))
			return -1;
		memcpy(out + used, n > 0 ? encoded : label.p, label.len);
		used += label.len;
		if (dot == NULL)
			break;
		out[used++] = '.';
		label.p = dot + 1;
	}
	out[used] = '\0';
	return (int)used;
}
