using System.Runtime.InteropServices;

namespace VmSim.Core.Checkpoints;

internal sealed class ArrayShape<T> : Shape
{
    public override void Save(StateWriter writer, object value)
    {
        T[] items = (T[])value;
        writer.Data.Write(items.Length);
        Items<T>.SaveAll(writer, items);
    }

    public override object Make(StateReader reader) => new T[reader.ReadCount()];

    public override void Fill(StateReader reader, object value) => Items<T>.ReadAll(reader, (T[])value);
}

internal sealed class ListShape<T> : Shape
{
    public override void Save(StateWriter writer, object value) => Items<T>.Save(writer, CollectionsMarshal.AsSpan((List<T>)value));

    public override object Make(StateReader reader) => new List<T>();

    public override void Fill(StateReader reader, object value) => ((List<T>)value).AddRange(Items<T>.Read(reader));
}

internal sealed class QueueShape<T> : Shape
{
    public override void Save(StateWriter writer, object value) => Items<T>.Save(writer, ((Queue<T>)value).ToArray());

    public override object Make(StateReader reader) => new Queue<T>();

    public override void Fill(StateReader reader, object value)
    {
        foreach (T item in Items<T>.Read(reader))
        {
            ((Queue<T>)value).Enqueue(item);
        }
    }
}

internal sealed class SetShape<T> : Shape
{
    public override void Save(StateWriter writer, object value)
    {
        HashSet<T> set = (HashSet<T>)value;
        writer.RequireDefault(set.Comparer, EqualityComparer<T>.Default);
        Items<T>.Save(writer, set.ToArray());
    }

    public override object Make(StateReader reader) => new HashSet<T>();

    public override void Fill(StateReader reader, object value) => ((HashSet<T>)value).UnionWith(Items<T>.Read(reader));
}

/// <summary>Keys and values, in the order in which the dictionary gives them.</summary>
internal abstract class PairsShape<TKey, TValue> : Shape
    where TKey : notnull
{
    public override void Save(StateWriter writer, object value)
    {
        RequireDefault(writer, value);
        IDictionary<TKey, TValue> pairs = (IDictionary<TKey, TValue>)value;
        Items<TKey>.Save(writer, pairs.Keys.ToArray());
        Items<TValue>.Save(writer, pairs.Values.ToArray());
    }

    public override void Fill(StateReader reader, object value)
    {
        IDictionary<TKey, TValue> pairs = (IDictionary<TKey, TValue>)value;
        TKey[] keys = Items<TKey>.Read(reader);
        TValue[] values = Items<TValue>.Read(reader);
        foreach ((TKey key, TValue item) in keys.Zip(values))
        {
            pairs.Add(key, item);
        }
    }

    protected abstract void RequireDefault(StateWriter writer, object value);
}

internal sealed class DictionaryShape<TKey, TValue> : PairsShape<TKey, TValue>
    where TKey : notnull
{
    public override object Make(StateReader reader) => new Dictionary<TKey, TValue>();

    protected override void RequireDefault(StateWriter writer, object value) =>
        writer.RequireDefault(((Dictionary<TKey, TValue>)value).Comparer, EqualityComparer<TKey>.Default);
}

internal sealed class SortedDictionaryShape<TKey, TValue> : PairsShape<TKey, TValue>
    where TKey : notnull
{
    public override object Make(StateReader reader) => new SortedDictionary<TKey, TValue>();

    protected override void RequireDefault(StateWriter writer, object value) =>
        writer.RequireDefault(((SortedDictionary<TKey, TValue>)value).Comparer, Comparer<TKey>.Default);
}
