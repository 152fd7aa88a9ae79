namespace VmSim.Core.Statistics;

/// <summary>What a figure is: the words that every output takes for it.</summary>
/// <param name="Name">Name in <c>report.json</c>, in camel case; one of its kind in a run.</param>
/// <param name="Unit">What is counted, in the plural.</param>
/// <param name="Summary">One sentence.</param>
/// <param name="Title">Heading in tables for people, where the name does not do.</param>
public record CounterInfo(string Name, string Unit, string Summary, string? Title = null)
{
    /// <summary>The heading in tables for people.</summary>
    public string Heading => Title ?? Name;
}
