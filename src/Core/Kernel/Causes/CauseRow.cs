using VmSim.Core.Addresses;
using VmSim.Core.Programs;

namespace VmSim.Core.Kernel.Causes;

/// <summary>What one kind of call or fault of one thread at one place has cost.</summary>
public sealed record CauseRow
{
    /// <summary>The thread; below 0 for all that are not told apart.</summary>
    public required ThreadId Thread { get; init; }

    /// <summary>The call with its advice, such as <c>madvise(MADV_DONTNEED)</c>, or the fault with its kind.</summary>
    public required string Call { get; init; }

    /// <summary>
    /// What lies there: a file or object by its name, <c>[heap]</c>, <c>[stack]</c>, <c>[anon]</c>, or empty where nothing did.
    /// </summary>
    public required string Object { get; init; }

    /// <summary>Where the area begins that the call or fault began in; null if the areas are not told apart, or there was none.</summary>
    public VirtAddr? Area { get; init; }

    /// <summary>From where the call was made; null if nobody recorded it.</summary>
    public CallSite? Site { get; init; }

    /// <summary>The figures, in the order of <see cref="CauseFigure.All"/>.</summary>
    public required IReadOnlyList<long> Values { get; init; }

    /// <summary>The value of a figure.</summary>
    public long this[CauseFigure figure]
    {
        get
        {
            ArgumentNullException.ThrowIfNull(figure);
            return Values[figure.Index];
        }
    }
}
