namespace VmSim.Host.Sweeps;

/// <summary>Student's t distribution, for intervals of means over few runs.</summary>
internal static class StudentT
{
    private const int Terms = 500;
    private const double Precision = 1e-14;

    /// <summary>The value that is exceeded on either side together with a probability of 5 %.</summary>
    /// <param name="freedom">Degrees of freedom, at least 1.</param>
    public static double Critical95(double freedom)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(freedom, 1);

        // The greatest is 12.706, of one degree of freedom. 60 halvings are finer than a double.
        double low = 0;
        double high = 13;
        for (int i = 0; i < 60; i++)
        {
            double middle = (low + high) / 2;
            (low, high) = TwoSided(middle, freedom) > 0.05 ? (middle, high) : (low, middle);
        }

        return high;
    }

    /// <summary>
    /// The probability that the absolute value is greater than <paramref name="t"/>: the regularised incomplete beta function I_x(n/2, 1/2)
    /// with x = n / (n + t^2) (Abramowitz and Stegun, 26.7.1 and 26.5.27).
    /// </summary>
    public static double TwoSided(double t, double freedom) => Beta(freedom / (freedom + (t * t)), freedom / 2, 0.5);

    private static double Beta(double x, double a, double b)
    {
        if (x <= 0 || x >= 1)
        {
            return x <= 0 ? 0 : 1;
        }

        double front = Math.Exp(LogGamma(a + b) - LogGamma(a) - LogGamma(b) + (a * Math.Log(x)) + (b * Math.Log(1 - x)));
        return x < (a + 1) / (a + b + 2) ? front * Fraction(x, a, b) / a : 1 - (front * Fraction(1 - x, b, a) / b);
    }

    /// <summary>The continued fraction of Abramowitz and Stegun, 26.5.8, from its front on (Lentz's method).</summary>
    private static double Fraction(double x, double a, double b)
    {
        double c = 1;
        double d = 1 / (1 - ((a + b) * x / (a + 1)));
        double value = d;
        for (int m = 1; m <= Terms; m++)
        {
            double even = m * (b - m) * x / ((a + (2 * m) - 1) * (a + (2 * m)));
            d = 1 / (1 + (even * d));
            c = 1 + (even / c);
            value *= d * c;
            double odd = -(a + m) * (a + b + m) * x / ((a + (2 * m)) * (a + (2 * m) + 1));
            d = 1 / (1 + (odd * d));
            c = 1 + (odd / c);
            value *= d * c;
            if (Math.Abs((d * c) - 1) < Precision)
            {
                break;
            }
        }

        return value;
    }

    /// <summary>
    /// The logarithm of the gamma function: Stirling's series (Abramowitz and Stegun, 6.1.41) at 10 and more, to which smaller values are
    /// carried by G(z + 1) = z G(z).
    /// </summary>
    private static double LogGamma(double z)
    {
        double shift = 0;
        for (; z < 10; z++)
        {
            shift += Math.Log(z);
        }

        double series = (1 / (12 * z)) - (1 / (360 * Math.Pow(z, 3))) + (1 / (1260 * Math.Pow(z, 5))) - (1 / (1680 * Math.Pow(z, 7)));
        return ((z - 0.5) * Math.Log(z)) - z + (Math.Log(2 * Math.PI) / 2) + series - shift;
    }
}
