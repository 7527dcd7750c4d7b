/* Arithmetic that the compiler calls. */
#include <stdint.h>

/* Keeps LLVM from seeing what is computed, and calling this very function for it. */
#define HIDE(x) __asm__ ("" : "+r"(x))

int __lrvm_ctpop32(uint32_t x)
{
	x -= x >> 1 & 0x55555555;
	HIDE(x);
	x = (x & 0x33333333) + (x >> 2 & 0x33333333);
	HIDE(x);
	x = (x + (x >> 4)) & 0x0F0F0F0F;
	return x * 0x01010101u >> 24;
}
int __lrvm_ctpop64(uint64_t x) { return __lrvm_ctpop32(x) + __lrvm_ctpop32(x >> 32); }

int __lrvm_ctlz32(uint32_t x)
{
	int count = 0;
	if (!x) return 32;
	if (x < 1u << 16) count += 16, x <<= 16;
	if (x < 1u << 24) count += 8, x <<= 8;
	if (x < 1u << 28) count += 4, x <<= 4;
	if (x < 1u << 30) count += 2, x <<= 2;
	return x < 1u << 31 ? count + 1 : count;
}
int __lrvm_ctlz64(uint64_t x)
{
	uint32_t high = x >> 32;
	return high ? __lrvm_ctlz32(high) : 32 + __lrvm_ctlz32(x);
}
int __lrvm_cttz32(uint32_t x)
{
	int count = 0;
	if (!x) return 32;
	if (!(x & 0xFFFF)) count += 16, x >>= 16;
	if (!(x & 0xFF)) count += 8, x >>= 8;
	if (!(x & 15)) count += 4, x >>= 4;
	if (!(x & 3)) count += 2, x >>= 2;
	return x & 1 ? count : count + 1;
}
int __lrvm_cttz64(uint64_t x)
{
	uint32_t low = x;
	return low ? __lrvm_cttz32(low) : 32 + __lrvm_cttz32(x >> 32);
}
uint32_t __lrvm_bitreverse(uint32_t x)
{
	x = (x >> 1 & 0x55555555) | (x & 0x55555555) << 1;
	HIDE(x);
	x = (x >> 2 & 0x33333333) | (x & 0x33333333) << 2;
	HIDE(x);
	x = (x >> 4 & 0x0F0F0F0F) | (x & 0x0F0F0F0F) << 4;
	x = (x >> 8 & 0x00FF00FF) | (x & 0x00FF00FF) << 8;
	return x >> 16 | x << 16;
}

uint64_t __lrvm_fshl64(uint64_t high, uint64_t low, uint32_t count)
{
	count &= 63;
	return count ? high << count | low >> (64 - count) : high;
}
uint64_t __lrvm_fshr64(uint64_t high, uint64_t low, uint32_t count)
{
	count &= 63;
	return count ? low >> count | high << (64 - count) : low;
}

/* Numbers of any width, words with the lowest first. The result may not overlap them. */

void __lrvm_multiply_wide(uint32_t *to, const uint32_t *a, const uint32_t *b, int words)
{
	for (int i = 0; i < words; i++) to[i] = 0;
	for (int i = 0; i < words; i++) {
		uint32_t carry = 0;
		for (int j = 0; i + j < words; j++) {
			uint64_t sum = (uint64_t)a[i] * b[j] + to[i + j] + carry;
			to[i + j] = sum;
			carry = sum >> 32;
		}
	}
}

/* how: 0 left, 1 right with zeros, 2 right with the sign. The third number is not used. */
void __lrvm_shift_wide(
	uint32_t *to, const uint32_t *a, const uint32_t *unused, int words, uint32_t count, int how)
{
	uint32_t fill = how == 2 && a[words - 1] >> 31 ? ~0u : 0;
	int skip = count / 32;
	count %= 32;
	for (int i = 0; i < words; i++) {
		if (how == 0) {
			uint32_t high = i - skip >= 0 ? a[i - skip] : 0, low = i - skip > 0 ? a[i - skip - 1] : 0;
			to[i] = count ? high << count | low >> (32 - count) : high;
		} else {
			uint32_t low = i + skip < words ? a[i + skip] : fill;
			uint32_t high = i + skip + 1 < words ? a[i + skip + 1] : fill;
			to[i] = count ? low >> count | high << (32 - count) : low;
		}
	}
}

static void negate(uint32_t *a, int words)
{
	uint32_t carry = 1;
	for (int i = 0; i < words; i++) {
		a[i] = ~a[i] + carry;
		carry = carry && !a[i];
	}
}

/* how: 0 udiv, 1 sdiv, 2 urem, 3 srem. Destroys a and b. */
void __lrvm_divide_wide(uint32_t *to, uint32_t *a, uint32_t *b, int words, int how)
{
	int negative_a = how & 1 && a[words - 1] >> 31, negative_b = how & 1 && b[words - 1] >> 31;
	if (negative_a) negate(a, words);
	if (negative_b) negate(b, words);
	for (int i = 0; i < words; i++) to[i] = 0; /* the remainder */
	for (int bit = 32 * words - 1; bit >= 0; bit--) {
		uint32_t carry = a[bit / 32] >> bit % 32 & 1, over = 0;
		for (int i = 0; i < words; i++) {
			uint32_t next = to[i] >> 31;
			to[i] = to[i] << 1 | carry;
			carry = next;
		}
		over = carry;
		int less = 0;
		for (int i = words - 1; i >= 0 && !over; i--)
			if (to[i] != b[i]) { less = to[i] < b[i]; break; }
		a[bit / 32] &= ~(1u << bit % 32);
		if (!less) {
			uint32_t borrow = 0;
			for (int i = 0; i < words; i++) {
				uint64_t difference = (uint64_t)to[i] - b[i] - borrow;
				to[i] = difference;
				borrow = difference >> 63;
			}
			a[bit / 32] |= 1u << bit % 32;
		}
	}
	if (how < 2) for (int i = 0; i < words; i++) to[i] = a[i];
	if (how < 2 ? negative_a != negative_b : negative_a) negate(to, words);
}

/* how: 0 leading zeros, 1 trailing zeros, 2 ones. */
int __lrvm_count_wide(const uint32_t *a, int words, int how)
{
	int count = 0;
	for (int i = 0; i < words; i++) {
		uint32_t word = a[how ? i : words - 1 - i];
		count += how == 0 ? __lrvm_ctlz32(word) : how == 1 ? __lrvm_cttz32(word) : __lrvm_ctpop32(word);
		if (how < 2 && word) break;
	}
	return count;
}

/* llvm.is.fpclass: bits of the mask are signalling NaN, quiet NaN, -inf, -normal, -subnormal, -0,
   +0, +subnormal, +normal, +inf. */
static int class_of(int negative, int exponent, int top, int fraction, int quiet)
{
	if (exponent == top && fraction) return quiet ? 2 : 1;
	int kind = exponent == top ? 0 : exponent ? 1 : fraction ? 2 : 3;
	return negative ? 4 << kind : 512 >> kind;
}
int __lrvm_class32(uint32_t x, int mask)
{
	return !!(mask & class_of(x >> 31, x >> 23 & 255, 255, !!(x & 0x7FFFFF), x >> 22 & 1));
}
int __lrvm_class64(uint64_t x, int mask)
{
	return !!(mask & class_of(x >> 63, x >> 52 & 2047, 2047, !!(x << 12), x >> 51 & 1));
}
