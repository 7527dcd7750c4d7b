/* Products and quotients of complex numbers, as annex G of the standard of C has them. */
#define FINITE(x) ((x) - (x) == 0)
#define INFINITE(x) (!FINITE(x) && (x) == (x))
#define NAN(x) ((x) != (x))
#define SIGNED(one, of) __builtin_copysign(one, of)
#define HUGE __builtin_inf()

#define COMPLEX(T, NAME) \
static T _Complex made##NAME(T real, T imaginary) \
{ \
	T _Complex z; \
	__real__ z = real; \
	__imag__ z = imaginary; \
	return z; \
} \
T _Complex __mul##NAME(T a, T b, T c, T d) \
{ \
	T x = a * c - b * d, y = a * d + b * c; \
	if (NAN(x) && NAN(y) && (INFINITE(a) || INFINITE(b) || INFINITE(c) || INFINITE(d) \
		|| INFINITE(a * c) || INFINITE(b * d) || INFINITE(a * d) || INFINITE(b * c))) { \
		int first = INFINITE(a) || INFINITE(b), second = INFINITE(c) || INFINITE(d); \
		if (first) { \
			a = SIGNED(INFINITE(a) ? 1.0 : 0.0, a); \
			b = SIGNED(INFINITE(b) ? 1.0 : 0.0, b); \
		} \
		if (second) { \
			c = SIGNED(INFINITE(c) ? 1.0 : 0.0, c); \
			d = SIGNED(INFINITE(d) ? 1.0 : 0.0, d); \
		} \
		if (NAN(a)) a = SIGNED(0.0, a); \
		if (NAN(b)) b = SIGNED(0.0, b); \
		if (NAN(c)) c = SIGNED(0.0, c); \
		if (NAN(d)) d = SIGNED(0.0, d); \
		return made##NAME(HUGE * (a * c - b * d), HUGE * (a * d + b * c)); \
	} \
	return made##NAME(x, y); \
} \
T _Complex __div##NAME(T a, T b, T c, T d) \
{ \
	T larger = __builtin_fabs(c) > __builtin_fabs(d) ? __builtin_fabs(c) : __builtin_fabs(d); \
	int scale = 0; \
	if (larger > 0 && FINITE(larger)) { \
		while (larger >= 2) larger /= 2, scale--; \
		while (larger < 1) larger *= 2, scale++; \
		c = __builtin_ldexp(c, scale); \
		d = __builtin_ldexp(d, scale); \
	} \
	T square = c * c + d * d; \
	T x = __builtin_ldexp((a * c + b * d) / square, scale); \
	T y = __builtin_ldexp((b * c - a * d) / square, scale); \
	if (NAN(x) && NAN(y)) { \
		if (square == 0 && (!NAN(a) || !NAN(b))) { \
			x = SIGNED(HUGE, c) * a; \
			y = SIGNED(HUGE, c) * b; \
		} else if ((INFINITE(a) || INFINITE(b)) && FINITE(c) && FINITE(d)) { \
			a = SIGNED(INFINITE(a) ? 1.0 : 0.0, a); \
			b = SIGNED(INFINITE(b) ? 1.0 : 0.0, b); \
			x = HUGE * (a * c + b * d); \
			y = HUGE * (b * c - a * d); \
		} else if (INFINITE(larger) && FINITE(a) && FINITE(b)) { \
			c = SIGNED(INFINITE(c) ? 1.0 : 0.0, c); \
			d = SIGNED(INFINITE(d) ? 1.0 : 0.0, d); \
			x = 0 * (a * c + b * d); \
			y = 0 * (b * c - a * d); \
		} \
	} \
	return made##NAME(x, y); \
}

COMPLEX(double, dc3)
COMPLEX(float, sc3)
