using System.Runtime.CompilerServices;

namespace VmSim.Core.Statistics;

/// <summary>
/// What one holder, such as a core or an address space, counts. Every class derived from <see cref="CounterSet{TSelf}"/> declares its
/// counters, one line each. Name, unit, sentence, storage, reset and the place in every output follow from that line.
/// </summary>
public abstract class CounterSet
{
    private readonly long[] _values;

    /// <summary>Makes a set whose counters are 0.</summary>
    private protected CounterSet(int count) => _values = new long[count];

    /// <summary>The counters in the order of their declaration.</summary>
    public abstract IReadOnlyList<CounterInfo> Declared { get; }

    /// <summary>What they have counted, in the order of <see cref="Declared"/>.</summary>
    public IReadOnlyList<long> Values => _values;

    /// <summary>Sets everything to 0.</summary>
    public void Reset() => Array.Clear(_values);

    /// <summary>The place of a counter's value.</summary>
    private protected ref long At(int index) => ref _values[index];
}

/// <summary>Base of the classes that declare counters.</summary>
/// <typeparam name="TSelf">The class itself, so that a counter of another class does not compile as an index.</typeparam>
/// <remarks>
/// A counter is a number in a static readonly field: compiled code has it as a constant, and counting costs what a field of the object
/// does, plus the comparison with the array's length. No class has a static constructor, which would have every use ask whether it has run.
/// </remarks>
/// <example><code>
/// public sealed class ParkingCounters : CounterSet&lt;ParkingCounters&gt;
/// {
///     public static readonly Counter Parked = Declare(
///         "parked", "invalidations", "Invalidations that waited for the core to leave user mode.");
/// }
///
/// counters[ParkingCounters.Parked]++;
/// </code></example>
public abstract class CounterSet<TSelf> : CounterSet
    where TSelf : CounterSet<TSelf>
{
    private static readonly List<CounterInfo> Declarations = [];
    private static bool s_isComplete;

    /// <summary>Makes a set whose counters are 0.</summary>
    protected CounterSet()
        : base(All.Count)
    {
    }

    /// <summary>The counters of the class, in the order of their declaration.</summary>
    public static IReadOnlyList<CounterInfo> All
    {
        get
        {
            if (!s_isComplete)
            {
                // Static fields of a class without a static constructor may be set as late as at their first use.
                RuntimeHelpers.RunClassConstructor(typeof(TSelf).TypeHandle);
                s_isComplete = true;
            }

            return Declarations;
        }
    }

    /// <inheritdoc/>
    public override IReadOnlyList<CounterInfo> Declared => All;

    /// <summary>What a counter has counted, to read and to add to.</summary>
    public ref long this[Counter counter] => ref At(counter.Index);

    /// <summary>Declares a counter that means what one of another class does, as the protocols that build on another one have.</summary>
    /// <param name="info">What reports say of it.</param>
    protected static Counter Declare(CounterInfo info)
    {
        ArgumentNullException.ThrowIfNull(info);
        return Declare(info.Name, info.Unit, info.Summary, info.Title);
    }

    /// <summary>Declares a counter. For initializers of static fields of <typeparamref name="TSelf"/>, in the order of reports.</summary>
    /// <param name="name">Name in reports, in camel case.</param>
    /// <param name="unit">What is counted, in the plural.</param>
    /// <param name="summary">One sentence.</param>
    /// <param name="title">Heading in tables for people, where the name does not do.</param>
    /// <exception cref="InvalidOperationException">The class has a counter of this name, or objects already.</exception>
    protected static Counter Declare(string name, string unit, string summary, string? title = null)
    {
        if (s_isComplete || Declarations.Exists(counter => counter.Name == name))
        {
            throw new InvalidOperationException($"{typeof(TSelf).Name} declares \"{name}\" twice, or after its static fields");
        }

        Declarations.Add(new CounterInfo(name, unit, summary, title));
        return new Counter(Declarations.Count - 1);
    }

    /// <summary>A counter of <typeparamref name="TSelf"/>.</summary>
    public readonly struct Counter
    {
        internal Counter(int index) => Index = index;

        /// <summary>Its place in <see cref="All"/>.</summary>
        public int Index { get; }

        /// <summary>What reports say of it.</summary>
        public CounterInfo Info => All[Index];
    }
}
