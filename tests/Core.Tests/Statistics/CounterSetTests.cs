using VmSim.Core.Statistics;

namespace VmSim.Core.Tests.Statistics;

public sealed class CounterSetTests
{
    [Fact]
    public void Set_OfACountersDeclarations_CountsEachApartAndResetsAll()
    {
        FruitCounters counters = new();
        counters[FruitCounters.Apples] += 3;
        counters[FruitCounters.Pears]++;
        Assert.Equal([3, 1], counters.Values);
        Assert.Equal(new CounterInfo("pears", "pears", "Pears seen.", "pears, all"), FruitCounters.Pears.Info);
        Assert.Equal(("apples", "pears, all"), (FruitCounters.Apples.Info.Heading, FruitCounters.Pears.Info.Heading));
        counters.Reset();
        Assert.Equal([0, 0], counters.Values);
    }

    [Fact]
    public void Set_MadeBeforeAnyCounterIsNamed_HasThemAll() =>
        Assert.Equal(["one", "two"], new UntouchedCounters().Declared.Select(counter => counter.Name));

    [Fact]
    public void Declare_SameNameTwice_IsRefused() =>
        Assert.Contains(
            "\"same\" twice",
            Assert.IsType<InvalidOperationException>(
                Assert.Throws<TypeInitializationException>(() => new TwiceCounters()).InnerException).Message,
            StringComparison.Ordinal);

    [Fact]
    public void Declare_AfterTheFirstObject_IsRefused()
    {
        _ = new FruitCounters();
        Assert.Contains(
            "after its static fields",
            Assert.Throws<InvalidOperationException>(FruitCounters.DeclareLate).Message,
            StringComparison.Ordinal);
    }

    private sealed class FruitCounters : CounterSet<FruitCounters>
    {
        public static readonly Counter Apples = Declare("apples", "apples", "Apples seen.");
        public static readonly Counter Pears = Declare("pears", "pears", "Pears seen.", "pears, all");

        public static void DeclareLate() => Declare("plums", "plums", "Plums seen.");
    }

    private sealed class UntouchedCounters : CounterSet<UntouchedCounters>
    {
        public static readonly Counter One = Declare("one", "things", "First.");
        public static readonly Counter Two = Declare("two", "things", "Second.");
    }

    private sealed class TwiceCounters : CounterSet<TwiceCounters>
    {
        public static readonly Counter First = Declare("same", "things", "First.");
        public static readonly Counter Second = Declare("same", "things", "Second.");
    }
}
