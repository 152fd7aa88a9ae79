using System.Globalization;

namespace VmSim.Core.Addresses;

/// <summary>Virtual time, or a span of it, in cycles of the simulated machine's clock.</summary>
/// <param name="Value">64-bit; 0 or more, and below 0 only where a member says what that means.</param>
public readonly record struct Cycles(long Value) : IComparable<Cycles>
{
    /// <summary>A duration of 0 cycles, and the time at which a run begins.</summary>
    public static Cycles Zero => default;

    /// <summary>Later than every event: "never".</summary>
    public static Cycles Never => new(long.MaxValue);

    /// <summary>A number of cycles. The way back is <see cref="Value"/>, so that no unit is lost unseen.</summary>
    public static implicit operator Cycles(long cycles) => new(cycles);

    /// <summary>A time so much later, or the sum of two durations.</summary>
    public static Cycles operator +(Cycles left, Cycles right) => new(left.Value + right.Value);

    /// <summary>The duration between two times, or a time so much earlier; negative if the second is the later one.</summary>
    public static Cycles operator -(Cycles left, Cycles right) => new(left.Value - right.Value);

    /// <summary>Whether <paramref name="left"/> is earlier or shorter.</summary>
    public static bool operator <(Cycles left, Cycles right) => left.Value < right.Value;

    /// <summary>Whether <paramref name="left"/> is later or longer.</summary>
    public static bool operator >(Cycles left, Cycles right) => left.Value > right.Value;

    /// <summary>Whether <paramref name="left"/> is not later or longer.</summary>
    public static bool operator <=(Cycles left, Cycles right) => left.Value <= right.Value;

    /// <summary>Whether <paramref name="left"/> is not earlier or shorter.</summary>
    public static bool operator >=(Cycles left, Cycles right) => left.Value >= right.Value;

    /// <summary>The later or longer of two.</summary>
    public static Cycles Max(Cycles left, Cycles right) => left > right ? left : right;

    /// <summary>The earlier or shorter of two.</summary>
    public static Cycles Min(Cycles left, Cycles right) => left < right ? left : right;

    /// <inheritdoc/>
    public int CompareTo(Cycles other) => Value.CompareTo(other.Value);

    /// <summary>The number of cycles in decimal digits, without a unit.</summary>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
